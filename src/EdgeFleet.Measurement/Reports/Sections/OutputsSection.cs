using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

internal static class OutputsSection
{
    public static XElement Of(PageContent content) => Section("Answers", content.Evidence.Outputs switch
    {
        { } outputs => Paragraph($"On {outputs.Inputs} inputs the largest element of every output was at the same place {outputs.SameTop} times; the largest difference of an element was {Figures.Number(outputs.LargestDifference)}."),
        null when content.IsPaired => Paragraph(Absent("the answers were not compared")),
        null => Paragraph(Absent("one model was measured alone, so there is nothing to compare it with")),
    });
}
