using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>What judged ticks add up to.</summary>
internal readonly record struct DeviceFigures(long Pairs, long Disagreements, double? MedianLogLatencyRatio)
{
    public double? DisagreementPercent => Pairs == 0 ? null : 100.0 * Disagreements / Pairs;

    public double? LatencyRatio => MedianLogLatencyRatio is { } ratio ? PortableMath.Exp(ratio) : null;

    public static DeviceFigures Of(GateDevice device, GateScales? scales) => OfFirst(long.MaxValue, scales?.Judged(device) ?? []);

    /// <summary>The first ticks that reach a number of pairs: what a device said does not change when more arrives.</summary>
    public static DeviceFigures OfFirst(long enough, IEnumerable<GateTick> ticks)
    {
        long pairs = 0, disagreements = 0;
        List<double> ratios = [];
        foreach (GateTick tick in ticks)
        {
            pairs += tick.Pairs;
            disagreements += tick.Disagreements;
            if (tick.Pairs > 0 && tick.MedianLogLatencyRatio is { } ratio)
            {
                ratios.Add(ratio);
            }
            if (pairs >= enough)
            {
                break;
            }
        }
        return new DeviceFigures(pairs, disagreements, BlockEstimator.Median(ratios)?.Median);
    }

    /// <summary>The class's share of disagreements, and the middle device's latency ratio.</summary>
    public static DeviceFigures Of(IEnumerable<DeviceFigures> devices)
    {
        List<DeviceFigures> all = [.. devices];
        List<double> ratios = [.. all.Where(d => d.MedianLogLatencyRatio is not null).Select(d => d.MedianLogLatencyRatio!.Value)];
        return new DeviceFigures(all.Sum(d => d.Pairs), all.Sum(d => d.Disagreements), BlockEstimator.Median(ratios)?.Median);
    }
}
