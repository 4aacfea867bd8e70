using System.Text.Json;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>What was frozen about one metric before the first stage.</summary>
/// <param name="Metric">Which.</param>
/// <param name="Margin">How much worse a candidate may be.</param>
/// <param name="Unit"><c>points</c> or <c>percent</c>.</param>
/// <param name="Gates">Whether a promotion needs evidence of it; otherwise it is shown, and may still take back.</param>
/// <param name="Weight">Its share in the rollback question; only the ratio of the weights counts.</param>
internal sealed record MetricMargin(GateMetric Metric, double Margin, string Unit, bool Gates, double Weight)
{
    public const string Points = "points";
    public const string Percent = "percent";

    /// <summary>All metrics, in the order in which verdicts list them.</summary>
    public static IReadOnlyList<MetricMargin> Of(GateMargins margins)
    {
        // A retrained model differs on purpose.
        bool agreementGates = margins.Compare == CompareMode.Equivalence;
        return
        [
            Of(GateMetric.Disagreement, margins.DisagreementPoints, Points, agreementGates ? margins.WeightDisagreement : 0, agreementGates),
            Of(GateMetric.LatencyP50, margins.LatencyP50Percent, Percent, margins.WeightLatencyP50),
            Of(GateMetric.LatencyP95, margins.LatencyP95Percent, Percent, margins.WeightLatencyP95),
            Of(GateMetric.LatencyP99, margins.LatencyP99Percent, Percent, margins.WeightLatencyP99),
            Of(GateMetric.Accuracy, margins.AccuracyPoints, Points, margins.WeightAccuracy),
            Of(GateMetric.Brier, margins.BrierPoints, Points, margins.WeightBrier),
        ];

        MetricMargin Of(GateMetric metric, double margin, string unit, double weight, bool may = true) =>
            new(metric, margin, unit, may && margins.Guardrails.Has(metric), weight);
    }

    /// <summary>As documents spell it.</summary>
    public static string NameOf(GateMetric metric) => JsonNamingPolicy.CamelCase.ConvertName(metric.ToString());
}
