using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>Share of inputs with another answer than the baseline's, beyond what the baseline's own noise explains.</summary>
internal sealed class DisagreementScale : IMetricScale
{
    private readonly double _noiseRate;
    private readonly double _cap;
    private readonly int _pairsPerWindow;

    public DisagreementScale(MetricMargin asked, GateCalibration calibration, GateRules rules, long pairsPerDevice)
    {
        double margin = asked.Margin / 100;
        Asked = asked;
        HarmNull = Math.Min(calibration.NoiseRateUpper + margin, rules.LargestHarmNull);
        PromotionNull = rules.DisagreementPromotionNull;
        Enough = (pairsPerDevice, "pairs");
        _noiseRate = calibration.NoiseRate;
        _cap = margin * rules.CapMargins;
        // One margin's worth: with fewer pairs the cap would swallow most of what a rate at the margin shows.
        _pairsPerWindow = (int)Math.Ceiling(1 / margin);
    }

    public MetricMargin Asked { get; }

    public double Effective => 100 * HarmNull;

    public double HarmNull { get; }

    /// <summary>The margin on the capped scale.</summary>
    public double PromotionNull { get; }

    public string CensusUnit => "window";

    public (long Count, string Unit) Enough { get; }

    public double? OfTick(GateTick tick) => tick.Pairs > 0 ? (double)tick.Disagreements / tick.Pairs : null;

    public MetricWord Say(MetricWord word, GateTick tick)
    {
        MetricWord next = word with { Count = word.Count + tick.Pairs, Events = word.Events + tick.Disagreements };
        return next.Count >= Enough.Count ? new MetricWord { Count = next.Count, Said = OverNoise(next.Events, next.Count) } : next;
    }

    public (CensusWindow Next, double? Bet) OfCensus(CensusWindow open, GateTick tick)
    {
        CensusWindow next = open with { Count = open.Count + tick.Pairs, Events = open.Events + tick.Disagreements };
        return next.Count >= _pairsPerWindow ? (default, OverNoise(next.Events, next.Count)) : (next, null);
    }

    public double? Estimate(DeviceFigures figures) => figures.DisagreementPercent;

    /// <summary>Disagreement over the noise, capped.</summary>
    private double OverNoise(long disagreements, long pairs) => Math.Clamp((((double)disagreements / pairs) - _noiseRate) / _cap, 0, 1);
}
