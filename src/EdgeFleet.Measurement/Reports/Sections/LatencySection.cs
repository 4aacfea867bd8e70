using System.Globalization;
using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Reports.Charts;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

internal static class LatencySection
{
    public static XElement Of(PageContent content)
    {
        LatencySummary? baseline = content.Evidence.Latency.Baseline;
        LatencySummary candidate = content.Evidence.Latency.Candidate;
        IReadOnlyList<object?> Row(string name, Func<LatencySummary, Percentile> of) =>
            content.Row(name, baseline is null ? null : Cell(of(baseline)), Cell(of(candidate)), baseline is null ? null : of(candidate).Micros / of(baseline).Micros);
        IReadOnlyList<object?> Plain(string name, Func<LatencySummary, double?> of, string absent) =>
            content.Row(name, baseline is null ? null : Figure(of(baseline), absent), Figure(of(candidate), absent), baseline is null ? null : of(candidate) / of(baseline));
        return Section(
            "Latency",
            Table(content.Columns(""),
            [
                Row("p50", summary => summary.P50),
                Row("p90", summary => summary.P90),
                Row("p95", summary => summary.P95),
                Row("p99", summary => summary.P99),
                Plain("mean", summary => summary.MeanMicros, ""),
                Plain("longest", summary => summary.MaxMicros, ""),
                Plain("median of the blocks", summary => summary.BlockMedianMicros, "no block counts"),
                Plain("longer after a switch", summary => summary.SwitchMicros, "not measured"),
                content.Row("inferences", baseline is null ? null : Count(baseline), Count(candidate)),
            ]),
            Note("Below a percentile: its distribution-free 95 % interval, and after ≤, where it stands, the upper bound that LoadGen's early stopping gives at 99 % confidence. The verdict rests on ratios within blocks, not on these rows."),
            Distributions(content));
    }

    private static List<XElement> Distributions(PageContent content)
    {
        if (content.Raw is null)
        {
            return [Paragraph(Element("strong", "Distributions: "), Absent("the raw samples were not kept"))];
        }
        double[] baseline = Quantiles.Sorted(content.Samples("baseline")), candidate = Quantiles.Sorted(content.Samples("candidate"));
        double[] baselineTail = Quantiles.Sorted(content.Tail("baseline")), candidateTail = Quantiles.Sorted(content.Tail("candidate"));
        if (candidate.Length == 0 && candidateTail.Length == 0)
        {
            return [Paragraph(Element("strong", "Distributions: "), Absent("there is no sample that counts"))];
        }
        List<XElement> figures =
        [
            candidate.Length > 0 ? LatencyCharts.Histogram(content, baseline, candidate) : Paragraph(Element("strong", "Histogram of the blocks: "), Absent("no block counts")),
        ];
        figures.Add(candidateTail.Length > 0
            ? LatencyCharts.Tail(content, baselineTail, candidateTail, "one inference after the other in the tail phase")
            : LatencyCharts.Tail(content, baseline, candidate, "in the blocks (there was no tail phase)"));
        return figures;
    }

    private static XElement Cell(Percentile percentile)
    {
        if (percentile.Micros is not { } micros)
        {
            return Absent(percentile.Reason);
        }
        // An end that the number of inferences does not give is open.
        string interval = percentile.Interval switch
        {
            [{ } low, { } high] => $"{Figures.Micros(low)} to {Figures.Micros(high)}",
            [{ } low, null] => $"from {Figures.Micros(low)}",
            [null, { } high] => $"to {Figures.Micros(high)}",
            _ => "no interval",
        };
        string bound = percentile.EarlyStoppingMicros is { } estimate ? $", ≤ {Figures.Micros(estimate)}" : "";
        return Element("span", Figures.Micros(micros), Element("span", [("class", "note below")], interval + bound));
    }

    private static object Figure(double? micros, string absent) => micros is { } value ? Figures.Micros(value) : Absent(absent);

    private static string Count(LatencySummary summary) => summary.Inferences.ToString("#,0", CultureInfo.InvariantCulture);
}
