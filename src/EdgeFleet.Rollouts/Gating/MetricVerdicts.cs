using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Puts the e-values of the metrics into words that a verdict stores.</summary>
internal static class MetricVerdicts
{
    public static IReadOnlyList<MetricVerdict> Of(GateScales scales, HarmEvidence harm, PromotionEvidence? promotion, DeviceFigures figures) =>
    [
        Metric(GateMetric.Disagreement, scales.DisagreementGates, scales.Margins.DisagreementPoints, "points", figures.DisagreementPercent,
            scales, harm.Disagreement, harm.DisagreementAutocorrelation, promotion?.Disagreement, promotion?.DisagreementUnit),
        Metric(GateMetric.LatencyP50, true, scales.Margins.LatencyP50Percent, "percent", (figures.LatencyRatio - 1) * 100,
            scales, harm.Latency, harm.LatencyAutocorrelation, promotion?.Latency, promotion?.LatencyUnit),
    ];

    /// <summary>Before there is a calibration nothing was judged.</summary>
    public static IReadOnlyList<MetricVerdict> Absent(GateMargins margins) =>
    [
        Absent(GateMetric.Disagreement, margins.DisagreementPoints, "points"),
        Absent(GateMetric.LatencyP50, margins.LatencyP50Percent, "percent"),
    ];

    private static MetricVerdict Absent(GateMetric metric, double margin, string unit) => new()
    {
        Metric = metric,
        State = MetricState.Absent,
        Margin = margin,
        MarginUnit = unit,
        HarmLogE = 0,
        HarmObservations = 0,
    };

    private static MetricVerdict Metric(
        GateMetric metric, bool gates, double margin, string marginUnit, double? estimate,
        GateScales scales, BettingState harm, double? autocorrelation, BettingState? promotion, string? unit)
    {
        double alpha = scales.Margins.AlphaPromotion;
        MetricState state =
            !gates ? MetricState.Informational
            : harm.Count == 0 && (promotion?.Count ?? 0) == 0 ? MetricState.Absent
            : harm.LogE >= scales.HarmLogThreshold ? MetricState.Harmed
            : promotion is not null && promotion.Rejects(alpha) ? MetricState.Promotes
            : MetricState.LacksEvidence;
        return new MetricVerdict
        {
            Metric = metric,
            State = state,
            Margin = margin,
            MarginUnit = marginUnit,
            Estimate = estimate,
            HarmLogE = harm.LogE,
            HarmObservations = harm.Count,
            Autocorrelation = autocorrelation,
            PromotionLogE = promotion?.LogE,
            PromotionObservations = promotion?.Count ?? 0,
            PromotionUnit = unit ?? "",
            Forecast = promotion is null ? null : DeviceFloor.Forecast(promotion, alpha),
        };
    }
}
