using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>The verdict in a sentence, and the figures that a reader looks for first.</summary>
internal static class VerdictSection
{
    public static XElement Of(PageContent content)
    {
        BenchEvidence evidence = content.Evidence;
        // A class name is ours; what else the evidence says stays text.
        string style = content.IsPaired && evidence.Verdict is ("pass" or "fail" or "inconclusive") ? $"badge {evidence.Verdict}" : "badge";
        return Element(
            "header",
            Element("span", [("class", style)], content.VerdictWord),
            Element("h1", content.Title),
            Paragraph(evidence.Reason),
            Note(Circumstances(content)),
            Element("div", [("class", "cards")], [.. content.IsPaired ? Compared(evidence) : Alone(evidence)]));
    }

    private static string Circumstances(PageContent content)
    {
        BenchEvidence evidence = content.Evidence;
        string condition = evidence.Condition == BenchCondition.Live
            ? "live: the device went on serving, so only ratios may be judged"
            : "quiet: the device did nothing else on purpose";
        string discarded = evidence.DiscardedBlocks > 0 ? $", {evidence.DiscardedBlocks} were disturbed and do not" : "";
        return $"{(evidence.Blocks == 0 ? "No" : $"{evidence.Blocks}")} blocks count{discarded}. {Figures.Seconds(evidence.Seconds)} in all. Condition {condition}.";
    }

    private static IEnumerable<XElement> Compared(BenchEvidence evidence)
    {
        LatencyEvidence latency = evidence.Latency;
        yield return Card("Latency, candidate over baseline", latency.Ratio, latency.Interval, "no block counts", latency.Margin,
            $"{Figures.Percent(latency.Confidence)} interval", evidence.Difference switch
            {
                "faster" => "the candidate is faster",
                "slower" => "the candidate is slower",
                "none" => "no difference is shown",
                string other => other,
            });
        MemoryEvidence memory = evidence.Memory;
        yield return Card("Peak memory, candidate over baseline", memory.Ratio, null, memory.Reason ?? "no ratio was measured", memory.Margin, "", memory.State == ReadingState.Modelled ? "modelled" : null);
        EnergyEvidence energy = evidence.Energy;
        yield return Card("Energy per inference, candidate over baseline", energy.Ratio, energy.Interval, energy.Reason ?? "no ratio was measured", energy.Margin,
            "interval", energy.State == ReadingState.Modelled ? "modelled" : energy.Margin is null ? "it does not decide" : null);
    }

    private static IEnumerable<XElement> Alone(BenchEvidence evidence)
    {
        yield return Card("Median latency", evidence.Latency.Candidate.P50.Micros is { } micros ? Figures.Micros(micros) : Absent(evidence.Latency.Candidate.P50.Reason));
        yield return Card("Peak memory", Figures.Of(evidence.Memory.Candidate?.Peak, evidence.Memory.Reason ?? "no peak was measured"));
        yield return Card("Energy per inference", Figures.Of(evidence.Energy.Candidate?.Total, evidence.Energy.Reason ?? "no energy was measured"));
    }

    private static XElement Card(string name, double? ratio, IReadOnlyList<double>? interval, string absent, double? margin, string intervalName, string? remark)
    {
        string[] details =
        [
            .. interval is [_, _] ? new[] { $"{intervalName} {Figures.Interval(interval)}" } : [],
            .. margin is { } allowed ? new[] { $"margin {Figures.Change(1 + allowed)}" } : [],
            .. remark is not null && ratio is not null ? new[] { remark } : [],
        ];
        return Card(name, ratio is { } r ? $"{Figures.Ratio(r)} ({Figures.Change(r)})" : Absent(absent), string.Join(", ", details));
    }

    private static XElement Card(string name, object figure, string? detail = null) => Element(
        "div", [("class", "card")],
        Element("div", [("class", "name")], name),
        figure is XElement { Name.LocalName: "span" } absent && (string?)absent.Attribute("class") == "absent" ? absent : Element("div", [("class", "figure")], figure),
        detail is { Length: > 0 } ? Element("div", [("class", "note")], detail) : null);
}
