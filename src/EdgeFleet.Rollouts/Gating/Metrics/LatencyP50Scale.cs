using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>The middle latency: candidate over baseline, pair by pair in the same ticks, so its noise widens the range and not the margin.</summary>
internal sealed class LatencyP50Scale(MetricMargin asked, GateCalibration calibration) : IMetricScale
{
    private readonly LogRatioMap _map = new(PortableMath.Log(1 + (asked.Margin / 100)), calibration.LatencyWidthLogRatio);

    public MetricMargin Asked => asked;

    public double Effective => asked.Margin;

    public double HarmNull => LogRatioMap.NullMean;

    public double PromotionNull => LogRatioMap.NullMean;

    public string CensusUnit => "tick";

    public double? OfTick(GateTick tick) => tick.Pairs > 0 && tick.MedianLogLatencyRatio is { } ratio ? _map.ToUnit(ratio) : null;

    public double OfDevice(DeviceFigures figures) => figures.LogLatencyRatio is { } ratio ? _map.ToUnit(ratio) : 1;

    public (CensusWindow Next, double? Bet) OfCensus(CensusWindow open, GateTick tick) => (open, OfTick(tick));

    public double? Estimate(DeviceFigures figures) => (figures.LatencyRatio - 1) * 100;
}
