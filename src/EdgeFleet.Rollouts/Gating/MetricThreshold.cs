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
    public static IReadOnlyList<MetricThreshold> Of(GateMargins margins, GateCalibration? calibration, GateRules rules)
    {
        double? effective = calibration is null ? null : 100 * new GateScales(margins, calibration, rules).DisagreementHarmNull;
        return
        [
            new(GateMetric.Disagreement, effective, margins.DisagreementPoints, effective - margins.DisagreementPoints, "points"),
            // Latency is compared pair by pair in the same ticks: its noise widens the range, not the margin.
            new(GateMetric.LatencyP50, calibration is null ? null : margins.LatencyP50Percent, margins.LatencyP50Percent, calibration is null ? null : 0, "percent"),
        ];
    }
}
