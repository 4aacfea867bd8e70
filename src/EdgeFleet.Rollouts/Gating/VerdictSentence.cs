using System.Globalization;
using System.Text;
using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>A verdict in one sentence with its numbers.</summary>
internal static class VerdictSentence
{
    private const int NamedAtMost = 3;

    public static string Name(GateMetric metric) => MetricMargin.NameOf(metric);

    /// <summary>What a device measured as another hardware class.</summary>
    public static string Foreign(GateDevice device, string hardwareClass) =>
        $"{device.DeviceId}: {device.ForeignTicks} tick(s) were measured as {device.ForeignClass}, not as {hardwareClass}, and do not count";

    /// <summary>A slice that is worse than it may be.</summary>
    public static string Harmed(SliceVerdict slice) => Format(
        $"{slice.Name}={slice.Value}: {slice.DisagreementPercent:0.##} % of {slice.Pairs} pairs disagree, beyond {slice.ThresholdPercent:0.##} % (E = {PortableMath.Exp(slice.HarmLogE):0.#})");

    /// <summary>What a metric lacks, with the forecast.</summary>
    public static string Lacking(MetricVerdict metric)
    {
        string estimate = metric.Estimate is { } value ? Figure(value, metric) : "no data";
        string margin = Format($"margin {metric.Margin:0.##} {metric.MarginUnit}");
        if (metric.State is MetricState.Absent)
        {
            return $"{Name(metric.Metric)} has no evidence at all ({margin})";
        }
        if (metric.State is MetricState.Harmed)
        {
            return Format($"{Name(metric.Metric)} {estimate} is beyond its {margin}: harm E = {PortableMath.Exp(metric.HarmLogE):0.#}");
        }
        string promotion = metric.PromotionLogE is { } logE ? Format($"E = {PortableMath.Exp(logE):0.##}") : "not judged";
        string forecast = metric.Forecast is { } total
            ? Format($"about {Math.Ceiling(total):0} {metric.PromotionUnit}s needed, {metric.PromotionObservations} there")
            : Format($"not getting closer after {metric.PromotionObservations} {metric.PromotionUnit}s");
        return $"{Name(metric.Metric)} lacks evidence ({estimate}, {margin}, {promotion}; {forecast})";
    }

    public static string Write(
        GateDecision decision, VerdictKind kind, int cohort, List<DeviceVerdict> broken, List<DeviceVerdict> devices,
        IReadOnlyList<MetricVerdict> metrics, double harmLogE, double harmThreshold, List<MissingEvidence> missing)
    {
        if (decision == GateDecision.Rollback && kind == VerdictKind.Invariant)
        {
            string who = Named([.. broken.Select(d => $"{d.DeviceId}: {d.Invariants[0].Kind} ({d.Invariants[0].Detail})")]);
            return Format($"{broken.Count} device(s) of {devices.Count} with a broken invariant (cohort of {cohort}): {who}");
        }
        string figures = string.Join(", ", metrics.Where(m => m.Estimate is not null).Select(m => $"{Name(m.Metric)} {Figure(m.Estimate!.Value, m)} (margin {Format($"{m.Margin:0.##} {m.MarginUnit}")})"));
        if (decision == GateDecision.Rollback)
        {
            return Format($"harmed beyond the margin: E = {PortableMath.Exp(harmLogE):0.#}, {PortableMath.Exp(harmThreshold):0.#} takes it back; most by {Most(metrics)}; {figures}");
        }
        if (decision == GateDecision.Hold)
        {
            return "holds: " + Named([.. missing.Select(m => m.Detail)]);
        }
        StringBuilder sentence = new();
        int reached = devices.Count(d => d.Standing == DeviceStanding.Reached);
        int refused = devices.Count(d => d.Standing == DeviceStanding.Refused);
        int harmed = devices.Count(d => d.Standing == DeviceStanding.Harmed);
        int failed = devices.Count(d => d.Standing is DeviceStanding.Failed or DeviceStanding.Missing);
        sentence.Append(kind switch
        {
            VerdictKind.Census => Format($"census: {reached} device(s) each within the margins on their own evidence"),
            VerdictKind.Statistical => Format($"{reached} device(s) speak for the class"),
            _ => Format($"{reached} device(s), no broken invariant that counts"),
        });
        sentence.Append(figures.Length > 0 ? "; " + figures : "");
        sentence.Append(refused > 0 ? Format($"; {refused} refused") : "");
        sentence.Append(harmed > 0 ? Format($"; {harmed} taken back alone") : "");
        sentence.Append(failed > 0 ? Format($"; {failed} failed or missing") : "");
        return sentence.ToString();
    }

    /// <summary>A share of inputs, or a change against the baseline.</summary>
    private static string Figure(double value, MetricVerdict metric) =>
        metric.MarginUnit == MetricMargin.Points ? Format($"{value:0.##} %") : Format($"{value:+0.#;-0.#;0} %");

    /// <summary>The metric with the strongest evidence, which nothing else in the sentence says of one that has no plain estimate.</summary>
    private static string Most(IReadOnlyList<MetricVerdict> metrics)
    {
        MetricVerdict most = metrics.MaxBy(metric => metric.HarmLogE)!;
        return Format($"{Name(most.Metric)} (E = {PortableMath.Exp(most.HarmLogE):0.#} of {most.HarmObservations} ticks)");
    }

    private static string Named(List<string> all) =>
        string.Join("; ", all.Take(NamedAtMost)) + (all.Count > NamedAtMost ? Format($"; and {all.Count - NamedAtMost} more") : "");

    private static string Format(FormattableString text) => FormattableString.Invariant(text);
}
