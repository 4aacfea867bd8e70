using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>Metrics of which a promotion needs evidence that they are within their margin. The others are shown, and may still take a candidate back.</summary>
public sealed record GuardrailsSpec
{
    /// <summary>Only where the candidate should answer as the baseline does; a retrained model differs on purpose.</summary>
    public bool Disagreement { get; init; } = true;

    public bool LatencyP50 { get; init; } = true;

    /// <summary>200 pairs of each device.</summary>
    public bool LatencyP95 { get; init; }

    /// <summary>1,000 pairs of each device.</summary>
    public bool LatencyP99 { get; init; }

    /// <summary>Needs labels.</summary>
    public bool Accuracy { get; init; }

    /// <summary>Needs labels.</summary>
    public bool Brier { get; init; }

    internal bool Has(GateMetric metric) => metric switch
    {
        GateMetric.Disagreement => Disagreement,
        GateMetric.LatencyP50 => LatencyP50,
        GateMetric.LatencyP95 => LatencyP95,
        GateMetric.LatencyP99 => LatencyP99,
        GateMetric.Accuracy => Accuracy,
        GateMetric.Brier => Brier,
        _ => throw new ArgumentOutOfRangeException(nameof(metric), metric, "no such metric"),
    };
}
