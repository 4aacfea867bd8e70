using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>What judged ticks add up to.</summary>
internal readonly record struct DeviceFigures(long Pairs, long Disagreements, double? LogLatencyRatio)
{
    public double? DisagreementPercent => Pairs == 0 ? null : 100.0 * Disagreements / Pairs;

    public double? LatencyRatio => LogLatencyRatio is { } ratio ? PortableMath.Exp(ratio) : null;

    /// <summary>The class's share of disagreements, and the middle device's latency ratio.</summary>
    public static DeviceFigures Of(IEnumerable<DeviceFigures> devices)
    {
        List<DeviceFigures> all = [.. devices];
        List<double> ratios = [.. all.Where(d => d.LogLatencyRatio is not null).Select(d => d.LogLatencyRatio!.Value)];
        return new DeviceFigures(all.Sum(d => d.Pairs), all.Sum(d => d.Disagreements), BlockEstimator.Median(ratios)?.Median);
    }
}
