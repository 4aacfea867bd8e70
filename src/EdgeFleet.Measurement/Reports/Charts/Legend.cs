using System.Xml.Linq;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>Which line is whose.</summary>
internal static class Legend
{
    public static object?[] Of(PageContent content) => content.IsPaired
        ? [Key("key"), "baseline", Key("key candidate-key"), "candidate. "]
        : [Key("key candidate-key"), "model. "];

    private static XElement Key(string style) => Element("span", [("class", style)]);
}
