using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

internal static class CountersSection
{
    private const double Scaled = 0.95;

    public static XElement Of(PageContent content)
    {
        CounterEvidence counters = content.Evidence.Counters;
        IReadOnlyDictionary<string, CounterReading> none = new Dictionary<string, CounterReading>();
        IReadOnlyDictionary<string, CounterReading> baseline = counters.Baseline ?? none, candidate = counters.Candidate ?? none;
        List<string> names = [.. baseline.Keys.Union(candidate.Keys).Order(StringComparer.Ordinal)];
        return Section(
            "Processor counters",
            counters.State == ReadingState.Absent ? Paragraph(Absent(counters.Reason)) : null,
            names.Count == 0 ? null : Table(content.Columns("events per inference, user space"), names.Select(name => content.Row(
                name, Cell(baseline.GetValueOrDefault(name)), Cell(candidate.GetValueOrDefault(name)),
                candidate.GetValueOrDefault(name)?.PerInference / baseline.GetValueOrDefault(name)?.PerInference))),
            names.Count == 0 ? null : Note("Counted in blocks of their own."));
    }

    private static object Cell(CounterReading? counter) => counter switch
    {
        null => Absent("not counted"),
        { State: ReadingState.Absent } or { PerInference: null } => Absent(counter.Reason),
        { RunningShare: < Scaled } => $"{Figures.Number(counter.PerInference.Value)} (scaled up, counted {Figures.Percent(counter.RunningShare.Value)} of the time)",
        _ => Figures.Number(counter.PerInference.Value),
    };
}
