using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>
/// Slow requests. Quantiles do not average, exceedances do: harm is bet on the pairs of which only one exceeded the device's own
/// earlier quantile (the candidate with the margin as its grace). Of those at most half are the candidate's under the null that
/// it is stochastically at most (1 + margin) times the baseline, however the pairs of a tick hang together. A device's word and a
/// census compare the quantiles of their own pairs.
/// </summary>
internal sealed class LatencyTailScale : IMetricScale
{
    private readonly double _quantile;
    private readonly LogRatioMap _map;
    private readonly double _sketchError;

    public LatencyTailScale(MetricMargin asked, double quantile, GateRules rules)
    {
        (Asked, _quantile) = (asked, quantile);
        _map = new LogRatioMap(PortableMath.Log(1 + (asked.Margin / 100)), rules.TailWidthLogRatio);
        // The worst that two sketches of 1 % can be wrong by, counted against the candidate.
        _sketchError = PortableMath.Log(1.01 / 0.99);
        // Ten values beyond the quantile: 200 for p95, 1,000 for p99. The half keeps a last bit from asking for one more.
        Enough = ((long)Math.Ceiling((10 / (1 - quantile)) - 0.5), "pairs with latencies");
    }

    public MetricMargin Asked { get; }

    public double Effective => Asked.Margin;

    public double HarmNull => 0.5;

    public double PromotionNull => LogRatioMap.NullMean;

    public string CensusUnit => "window";

    public (long Count, string Unit) Enough { get; }

    public double? OfTick(GateTick tick) =>
        (Asked.Metric == GateMetric.LatencyP95 ? tick.P95 : tick.P99) is { } tail && tail.Worse + (long)tail.Better is > 0 and var differ ? (double)tail.Worse / differ : null;

    public MetricWord Say(MetricWord word, GateTick tick)
    {
        LatencyPair latency = word.Latency.With(tick);
        long count = latency.Count;
        return count < Enough.Count ? word with { Count = count, Latency = latency } : new MetricWord { Count = count, Said = OfQuantiles(latency) };
    }

    public (CensusWindow Next, double? Bet) OfCensus(CensusWindow open, GateTick tick)
    {
        CensusWindow next = open with { Latency = open.Latency.With(tick) };
        return next.Latency.Count < Enough.Count ? (next, null) : (default, OfQuantiles(next.Latency));
    }

    public double? Estimate(DeviceFigures figures) => figures.Latency.LogRatio(_quantile) is { } ratio ? (PortableMath.Exp(ratio) - 1) * 100 : null;

    private double OfQuantiles(LatencyPair latency) => latency.LogRatio(_quantile) is { } ratio ? _map.ToUnit(ratio + _sketchError) : 1;
}
