using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>How much evidence one metric's margin needs in a class, from the gate's own e-process, for three candidates.</summary>
public sealed record MetricPlan
{
    public required GateMetric Metric { get; init; }
    public required double Margin { get; init; }

    /// <summary><c>points</c> or <c>percent</c>.</summary>
    public required string MarginUnit { get; init; }

    /// <summary>What is counted: <c>device</c>, or in a census <c>window</c> or <c>tick</c> on each device.</summary>
    public required string Observation { get; init; }

    /// <summary>For a candidate that is as good as the scale can tell; null where no number is enough.</summary>
    public int? Perfect { get; init; }

    /// <summary>For one that does exactly as the baseline.</summary>
    public int? AsBaseline { get; init; }

    /// <summary>For one that uses half of its margin.</summary>
    public int? HalfMargin { get; init; }

    /// <summary>What one observation is made of: so many of <see cref="SizeUnit"/> on one device.</summary>
    public required long Size { get; init; }

    /// <summary><c>pairs</c>, <c>labelled rows</c> or <c>tick</c>.</summary>
    public required string SizeUnit { get; init; }

    /// <param name="margins">What was or will be frozen.</param>
    /// <param name="classSize">Devices of the class; null in a census, where each device is asked by itself.</param>
    /// <param name="latencyWidth">Half width of the range of latency log ratios that counts.</param>
    internal static IReadOnlyList<MetricPlan> Of(GateMargins margins, int? classSize, double latencyWidth)
    {
        // No noise in the answers: what there is lies in the scales already, as the width of latency does.
        GateCalibration quiet = new()
        {
            NoisePairs = margins.CalibrationNoisePairs, NoiseDisagreements = 0, NoiseRate = 0, NoiseRateUpper = 0, LatencyWidthLogRatio = latencyWidth, LastTick = new Dictionary<string, long>(),
        };
        return [.. new GateScales(margins, quiet, GateRules.Current).Guardrails.Select(scale => Of(scale, margins, classSize, latencyWidth))];
    }

    private static MetricPlan Of(IMetricScale scale, GateMargins margins, int? classSize, double latencyWidth)
    {
        (double asBaseline, double halfMargin) = Say(scale, latencyWidth);
        bool window = classSize is null && scale.CensusUnit == "window";
        bool ticks = classSize is null && !window;
        bool tail = scale.Asked.Metric is GateMetric.LatencyP95 or GateMetric.LatencyP99;
        return new MetricPlan
        {
            Metric = scale.Asked.Metric,
            Margin = scale.Asked.Margin,
            MarginUnit = scale.Asked.Unit,
            Observation = classSize is null ? scale.CensusUnit : "device",
            // A window of a census holds one margin's worth; of a tail as many as its quantile needs.
            Size = ticks ? 1 : window && !tail ? (long)Math.Ceiling(100 / scale.Asked.Margin) : scale.Enough.Count,
            SizeUnit = ticks ? "tick" : scale.Asked.Metric is GateMetric.Accuracy or GateMetric.Brier ? scale.Enough.Unit : "pairs",
            Perfect = DeviceFloor.Minimum(scale.PromotionNull, margins.AlphaPromotion, classSize),
            AsBaseline = DeviceFloor.Minimum(scale.PromotionNull, margins.AlphaPromotion, classSize, asBaseline),
            HalfMargin = DeviceFloor.Minimum(scale.PromotionNull, margins.AlphaPromotion, classSize, halfMargin),
        };
    }

    /// <summary>What a device says on the metric's scale of 0 to 1 where the candidate uses nothing of its margin, and half of it.</summary>
    private static (double AsBaseline, double HalfMargin) Say(IMetricScale scale, double latencyWidth)
    {
        GateRules rules = GateRules.Current;
        double margin = scale.Asked.Margin / 100;
        LogRatioMap middle = new(PortableMath.Log(1 + margin), latencyWidth);
        LogRatioMap tail = new(PortableMath.Log(1 + margin), rules.TailWidthLogRatio);
        double half = PortableMath.Log(1 + (margin / 2));
        return scale.Asked.Metric switch
        {
            GateMetric.Disagreement => (0, scale.PromotionNull / 2),
            GateMetric.LatencyP50 => (middle.ToUnit(0), middle.ToUnit(half)),
            // What two sketches may be wrong by is counted against the candidate.
            GateMetric.LatencyP95 or GateMetric.LatencyP99 => (tail.ToUnit(PortableMath.Log(1.01 / 0.99)), tail.ToUnit(half + PortableMath.Log(1.01 / 0.99))),
            GateMetric.Accuracy or GateMetric.Brier => (0.5, ((0.5 / rules.CapMargins) + 1) / 2),
            var other => throw new ArgumentOutOfRangeException(nameof(scale), other, "no plan for this metric"),
        };
    }
}
