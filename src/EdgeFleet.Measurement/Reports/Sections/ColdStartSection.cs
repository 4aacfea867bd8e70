using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>Each start on its own: the first of a file that is not in the page cache says something else than the rest.</summary>
internal static class ColdStartSection
{
    public static XElement Of(PageContent content)
    {
        ColdStartEvidence starts = content.Evidence.ColdStart;
        List<IReadOnlyList<object?>> rows = [.. Rows("baseline", starts.Baseline), .. Rows(content.CandidateWord, starts.Candidate)];
        return Section(
            "Cold start",
            rows.Count == 0 ? Paragraph(Absent("no start was measured")) : Table(["start in a fresh process", "Page cache", "Process", "Load", "First inference", "Second inference"], rows),
            rows.Count == 0 ? null : Note("From the start of the process to the model host that answers; then the model until it can run; then its first two inferences."));
    }

    private static IEnumerable<IReadOnlyList<object?>> Rows(string model, IReadOnlyList<ColdStart> starts) => starts.Select(IReadOnlyList<object?> (start, i) =>
    [
        $"{model}, {i + 1}", start.ColdPageCache ? "dropped before" : "as it was",
        Figures.Millis(start.ProcessMs), Figures.Millis(start.LoadMs), Figures.Millis(start.FirstInferenceMs), Figures.Millis(start.SecondInferenceMs),
    ]);
}
