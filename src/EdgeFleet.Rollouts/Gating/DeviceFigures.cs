using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>What judged ticks add up to.</summary>
internal readonly record struct DeviceFigures(long Pairs, long Disagreements, double? LogLatencyRatio, LabelPairs Labels, LatencyPair Latency)
{
    public double? DisagreementPercent => Pairs == 0 ? null : 100.0 * Disagreements / Pairs;

    public double? LatencyRatio => LogLatencyRatio is { } ratio ? PortableMath.Exp(ratio) : null;

    /// <summary>The class's share of disagreements, the middle device's latency ratio, and the class's quantiles.</summary>
    public static DeviceFigures Of(IEnumerable<DeviceFigures> devices, LatencyPair latency)
    {
        List<DeviceFigures> all = [.. devices];
        List<double> ratios = [.. all.Where(d => d.LogLatencyRatio is not null).Select(d => d.LogLatencyRatio!.Value)];
        return new DeviceFigures(all.Sum(d => d.Pairs), all.Sum(d => d.Disagreements), BlockEstimator.Median(ratios)?.Median, all.Aggregate(default(LabelPairs), (sum, d) => sum + d.Labels), latency);
    }
}
