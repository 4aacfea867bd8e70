using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Puts the e-values of the metrics into words that a verdict stores.</summary>
internal static class MetricVerdicts
{
    public static IReadOnlyList<MetricVerdict> Of(GateScales scales, HarmEvidence harm, PromotionEvidence? promotion, DeviceFigures figures) =>
        [.. harm.Metrics.Select((metric, i) => Of(scales, metric, promotion?.Metrics[i], metric.Scale.Estimate(figures)))];

    /// <summary>Before there is a calibration nothing was judged.</summary>
    public static IReadOnlyList<MetricVerdict> Absent(GateMargins margins) =>
    [
        .. MetricMargin.Of(margins).Select(asked => new MetricVerdict
        {
            Metric = asked.Metric,
            State = MetricState.Absent,
            Margin = asked.Margin,
            MarginUnit = asked.Unit,
            HarmLogE = 0,
            HarmObservations = 0,
        }),
    ];

    private static MetricVerdict Of(GateScales scales, MetricHarm harm, MetricPromotion? promotion, double? estimate)
    {
        MetricMargin asked = harm.Scale.Asked;
        double alpha = scales.Margins.AlphaPromotion;
        MetricState state =
            !asked.Gates ? MetricState.Informational
            : harm.Series.Count == 0 && (promotion?.State.Count ?? 0) == 0 ? MetricState.Absent
            : harm.Series.LogE >= scales.HarmLogThreshold ? MetricState.Harmed
            // A bet is cut at some margins, so rare but gross harm weighs less in it than in the plain mean.
            : promotion is not null && promotion.State.Rejects(alpha) && !(estimate > harm.Scale.Effective) ? MetricState.Promotes
            : MetricState.LacksEvidence;
        return new MetricVerdict
        {
            Metric = asked.Metric,
            State = state,
            Margin = asked.Margin,
            MarginUnit = asked.Unit,
            Estimate = estimate,
            HarmLogE = harm.Series.LogE,
            HarmObservations = harm.Series.Count,
            Autocorrelation = harm.Series.Autocorrelation,
            JoinedTicks = harm.Series.Joined,
            PromotionLogE = promotion?.State.LogE,
            PromotionObservations = promotion?.State.Count ?? 0,
            PromotionUnit = promotion?.Unit ?? "",
            Forecast = promotion is null ? null : DeviceFloor.Forecast(promotion.State, alpha),
        };
    }
}
