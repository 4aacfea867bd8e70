using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Reports.Charts;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>The blocks, which are the unit of the statistics.</summary>
internal static class BlocksSection
{
    public static XElement Of(PageContent content)
    {
        BenchEvidence evidence = content.Evidence;
        List<BlockRecord> discarded = [.. evidence.BlockRecords.Where(block => block.Causes.Count > 0)];
        return Section(
            "Blocks",
            !content.IsPaired ? Paragraph(Absent("one model was measured alone, so there is nothing to compare it with"))
            : evidence.BlockRecords.Any(block => block.LogRatio is { } log && double.IsFinite(log)) ? BlockChart.Of(evidence.Latency, evidence.BlockRecords)
            : Paragraph(Absent("no block has a ratio")),
            content.IsPaired ? Paragraph(Sentence(evidence)) : null,
            discarded.Count == 0 ? null : Sentences(["Blocks that do not count", "Why"], discarded
                .GroupBy(block => string.Join("; ", block.Causes))
                .Select(IReadOnlyList<object?> (cause) => [string.Join(", ", cause.Select(block => block.Index)), cause.Key])));
    }

    private static string Sentence(BenchEvidence evidence)
    {
        LatencyEvidence latency = evidence.Latency;
        string looks = latency.Looks switch { 0 => "", 1 => " It was looked at once.", _ => $" It was looked at {latency.Looks} times, which the interval allows for." };
        return (latency.Ratio, latency.Interval) switch
        {
            ({ } ratio, [_, _]) => $"Over {evidence.Blocks} blocks the candidate takes {Figures.Ratio(ratio)} times as long as the baseline, {Figures.Percent(latency.Confidence)} interval {Figures.Interval(latency.Interval)}; the margin is {Figures.Change(1 + latency.Margin)}.{looks}",
            ({ } ratio, _) => $"Over {evidence.Blocks} blocks the candidate takes {Figures.Ratio(ratio)} times as long as the baseline; there are too few blocks for an interval.{looks}",
            _ => "There is no ratio: too few blocks count.",
        };
    }
}
