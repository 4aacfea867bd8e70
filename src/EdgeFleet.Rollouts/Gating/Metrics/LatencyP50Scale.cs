using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>The middle latency: candidate over baseline, pair by pair in the same ticks, so its noise widens the range and not the margin.</summary>
internal sealed class LatencyP50Scale(MetricMargin asked, GateCalibration calibration, long pairsPerDevice) : IMetricScale
{
    private readonly LogRatioMap _map = new(PortableMath.Log(1 + (asked.Margin / 100)), calibration.LatencyWidthLogRatio);

    public MetricMargin Asked => asked;

    public double Effective => asked.Margin;

    public double HarmNull => LogRatioMap.NullMean;

    public double PromotionNull => LogRatioMap.NullMean;

    public string CensusUnit => "tick";

    public (long Count, string Unit) Enough => (pairsPerDevice, "pairs");

    public double? OfTick(GateTick tick) => tick.Pairs > 0 && tick.MedianLogLatencyRatio is { } ratio ? _map.ToUnit(ratio) : null;

    /// <summary>The median of the ticks; a device that measured none of its pairs says the worst.</summary>
    public MetricWord Say(MetricWord word, GateTick tick)
    {
        MetricWord next = word with
        {
            Count = word.Count + tick.Pairs,
            Values = tick is { Pairs: > 0, MedianLogLatencyRatio: { } ratio } ? word.Values.Add(ratio) : word.Values,
        };
        return next.Count < pairsPerDevice ? next
            : new MetricWord { Count = next.Count, Said = BlockEstimator.Median(next.Values)?.Median is { } median ? _map.ToUnit(median) : 1 };
    }

    public (CensusWindow Next, double? Bet) OfCensus(CensusWindow open, GateTick tick) => (open, OfTick(tick));

    public double? Estimate(DeviceFigures figures) => (figures.LatencyRatio - 1) * 100;
}
