using System.Text.Json;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>What was frozen about one metric before the first stage.</summary>
/// <param name="Metric">Which.</param>
/// <param name="Margin">How much worse a candidate may be.</param>
/// <param name="Unit"><c>points</c> or <c>percent</c>.</param>
/// <param name="Gates">Whether it decides; otherwise it is shown.</param>
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
            new(GateMetric.Disagreement, margins.DisagreementPoints, Points, agreementGates, agreementGates ? margins.WeightDisagreement : 0),
            new(GateMetric.LatencyP50, margins.LatencyP50Percent, Percent, Gates: true, margins.WeightLatencyP50),
        ];
    }

    /// <summary>As documents spell it.</summary>
    public static string NameOf(GateMetric metric) => JsonNamingPolicy.CamelCase.ConvertName(metric.ToString());
}
