using System.Xml.Linq;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>What a reader should know before trusting a figure; nothing where there is nothing to know.</summary>
internal static class WarningsSection
{
    public static XElement? Of(PageContent content) => content.Evidence.Warnings.Count == 0 ? null : Element(
        "div",
        [("class", "warnings")],
        Element("strong", "Before you trust a figure"),
        Element("ul", [.. content.Evidence.Warnings.Select(warning => Element("li", warning))]));
}
