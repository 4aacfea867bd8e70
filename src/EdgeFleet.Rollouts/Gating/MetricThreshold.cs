using EdgeFleet.Rollouts.Gating.Metrics;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Where a metric's observed value begins to count as harm: the frozen margin and what the baseline's own noise is allowed.</summary>
/// <param name="Metric">Which metric.</param>
/// <param name="Effective">In the margin's unit; null before the noise is known.</param>
/// <param name="Margin">The frozen margin.</param>
/// <param name="Noise">The part of <paramref name="Effective"/> that is noise; null before it is known.</param>
/// <param name="Unit"><c>points</c> or <c>percent</c>.</param>
public sealed record MetricThreshold(GateMetric Metric, double? Effective, double Margin, double? Noise, string Unit)
{
    /// <summary>Of every metric, from what was frozen; worked out for people, so it is no part of a verdict.</summary>
    public static IReadOnlyList<MetricThreshold> Of(GateMargins margins, GateCalibration? calibration, GateRules rules) => calibration is null
        ? [.. MetricMargin.Of(margins).Select(asked => new MetricThreshold(asked.Metric, null, asked.Margin, null, asked.Unit))]
        : [.. new GateScales(margins, calibration, rules).Metrics.Select(scale => new MetricThreshold(
            scale.Asked.Metric, scale.Effective, scale.Asked.Margin, scale.Effective - scale.Asked.Margin, scale.Asked.Unit))];
}
