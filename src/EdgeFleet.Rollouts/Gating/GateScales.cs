using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>The metrics of a class with their scales, and the thresholds: everything that frozen margins and calibration say.</summary>
internal sealed class GateScales
{
    public GateScales(GateMargins margins, GateCalibration calibration, GateRules rules)
    {
        (Margins, Rules) = (margins, rules);
        Metrics = [.. MetricMargin.Of(margins).Select(asked => ScaleOf(asked, margins, calibration, rules))];
        Guardrails = [.. Metrics.Where(scale => scale.Asked.Gates)];
        SliceNull = Math.Min(calibration.NoiseRateUpper + (rules.SliceMargins * margins.DisagreementPoints / 100), rules.LargestHarmNull);
        PromotionLogThreshold = PortableMath.Log(1 / margins.AlphaPromotion);
        HarmLogThreshold = PortableMath.Log(1 / margins.AlphaRollback);
        AmberLogThreshold = PortableMath.Log(rules.AmberShare / margins.AlphaRollback);
    }

    public GateMargins Margins { get; }

    public GateRules Rules { get; }

    /// <summary>In the order in which verdicts list them.</summary>
    public IReadOnlyList<IMetricScale> Metrics { get; }

    /// <summary>Those that a promotion needs.</summary>
    public IReadOnlyList<IMetricScale> Guardrails { get; }

    /// <summary>Share of disagreements up to which a slice is not harmed.</summary>
    public double SliceNull { get; }

    public double PromotionLogThreshold { get; }

    public double HarmLogThreshold { get; }

    public double AmberLogThreshold { get; }

    private static IMetricScale ScaleOf(MetricMargin asked, GateMargins margins, GateCalibration calibration, GateRules rules) => asked.Metric switch
    {
        GateMetric.Disagreement => new DisagreementScale(asked, calibration, rules, margins.PairsPerDevice),
        GateMetric.LatencyP50 => new LatencyP50Scale(asked, calibration, margins.PairsPerDevice),
        GateMetric.LatencyP95 => new LatencyTailScale(asked, 0.95, rules),
        GateMetric.LatencyP99 => new LatencyTailScale(asked, 0.99, rules),
        GateMetric.Accuracy or GateMetric.Brier => new LabelScale(asked, rules, margins.LabelsPerDevice),
        _ => throw new ArgumentOutOfRangeException(nameof(asked), asked.Metric, "no scale for this metric"),
    };
}
