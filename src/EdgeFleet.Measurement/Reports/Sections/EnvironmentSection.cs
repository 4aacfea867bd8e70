using System.Globalization;
using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>What the device did meanwhile.</summary>
internal static class EnvironmentSection
{
    public static XElement Of(PageContent content)
    {
        EnvironmentEvidence environment = content.Evidence.Environment;
        return Section(
            "The device meanwhile",
            Paragraph(environment.Throttled switch
            {
                "no" => "It was not throttled.",
                "yes" => "It was throttled.",
                _ => "Whether it was throttled is unknown: it has no sign that could be read.",
            }),
            environment.Causes.Count == 0 ? null : Element("ul", [.. environment.Causes.Select(cause => Element("li", cause))]),
            Paragraph(environment.Steady ? "It was warm when the blocks began" : "Whether it was warm when the blocks began is not shown", environment.WarmUp is null ? "." : $": {environment.WarmUp}."),
            environment.Figures.Count == 0
                ? Paragraph(Element("strong", "Clocks, temperatures and events: "), Absent("the device tells none"))
                : Table(["", "Before", "After", "Unit"], environment.Figures.OrderBy(figure => figure.Key, StringComparer.Ordinal).Select(IReadOnlyList<object?> (figure) =>
                    [figure.Key, Side(figure.Value.Before), Side(figure.Value.After), figure.Value.Unit])),
            environment.TimerNanos > 0
                ? Note(string.Create(CultureInfo.InvariantCulture, $"An empty timed region costs {environment.TimerNanos:0.#} ns, the clock counts in steps of {environment.TimerResolutionNanos:0.#} ns; a sample of the blocks is {Batches(content, environment)}."))
                : Paragraph(Element("strong", "The clock's own cost: "), Absent("it was not measured")));
    }

    private static string Batches(PageContent content, EnvironmentEvidence environment) => content.IsPaired
        ? $"{Inferences(environment.BaselineBatch)} of the baseline and {Inferences(environment.CandidateBatch)} of the candidate"
        : Inferences(environment.CandidateBatch);

    private static string Inferences(int count) => count == 1 ? "one inference" : $"{count} inferences";

    private static object Side(double? value) => value is { } figure ? Figures.Number(figure) : Absent("not read");
}
