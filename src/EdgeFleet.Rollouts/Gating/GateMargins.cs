using System.Text.Json;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// Everything that the gate compares with, frozen before the first stage starts. Its hash is stored with every verdict,
/// so that margins which were moved afterwards are seen.
/// </summary>
public sealed record GateMargins
{
    public int SchemaVersion { get; init; } = 1;
    public required RolloutStrategy Strategy { get; init; }
    public required CompareMode Compare { get; init; }
    public required double AlphaPromotion { get; init; }
    public required double AlphaRollback { get; init; }
    public required double DisagreementPoints { get; init; }
    public required double LatencyP50Percent { get; init; }
    public required double LatencyP95Percent { get; init; }
    public required double LatencyP99Percent { get; init; }
    public required double AccuracyPoints { get; init; }
    public required double BrierPoints { get; init; }
    public required double WeightDisagreement { get; init; }
    public required double WeightLatencyP50 { get; init; }
    public required double WeightLatencyP95 { get; init; }
    public required double WeightLatencyP99 { get; init; }
    public required double WeightAccuracy { get; init; }
    public required double WeightBrier { get; init; }

    /// <summary>Metrics that a promotion needs evidence of.</summary>
    public required GuardrailsSpec Guardrails { get; init; }
    public required long WorkerMemoryBytes { get; init; }
    public required int TickMilliseconds { get; init; }
    public required int PairsPerDevice { get; init; }

    /// <summary>Slices that are counted: what else a device names is not heard.</summary>
    public required SliceList Slices { get; init; }
    public required int LabelsPerDevice { get; init; }
    public required int CalibrationTicks { get; init; }
    public required int CalibrationNoisePairs { get; init; }
    public required double MissingPercent { get; init; }
    public required double CompletionPercent { get; init; }

    /// <summary>SHA-256 of the canonical JSON: members in the order above, shortest round-trip numbers.</summary>
    public Digest Hash() => Digest.Of(JsonSerializer.SerializeToUtf8Bytes(this, RolloutsJsonContext.Default.GateMargins));

    public static GateMargins Freeze(RolloutSpec rollout, PolicySpec policy) => new()
    {
        Strategy = rollout.Strategy,
        Compare = rollout.Compare,
        AlphaPromotion = policy.AlphaPromotion,
        AlphaRollback = policy.AlphaRollback,
        DisagreementPoints = policy.Margins.DisagreementPoints,
        LatencyP50Percent = policy.Margins.LatencyP50Percent,
        LatencyP95Percent = policy.Margins.LatencyP95Percent,
        LatencyP99Percent = policy.Margins.LatencyP99Percent,
        AccuracyPoints = policy.Margins.AccuracyPoints,
        BrierPoints = policy.Margins.BrierPoints,
        WeightDisagreement = policy.Weights.Disagreement,
        WeightLatencyP50 = policy.Weights.LatencyP50,
        WeightLatencyP95 = policy.Weights.LatencyP95,
        WeightLatencyP99 = policy.Weights.LatencyP99,
        WeightAccuracy = policy.Weights.Accuracy,
        WeightBrier = policy.Weights.Brier,
        Guardrails = policy.Guardrails,
        WorkerMemoryBytes = (long)policy.Limits.WorkerMemoryMiB << 20,
        TickMilliseconds = policy.Evidence.TickMilliseconds,
        PairsPerDevice = policy.Evidence.PairsPerDevice,
        Slices = policy.Evidence.Slices,
        LabelsPerDevice = policy.Evidence.LabelsPerDevice,
        CalibrationTicks = policy.Evidence.CalibrationTicks,
        CalibrationNoisePairs = policy.Evidence.CalibrationNoisePairs,
        MissingPercent = policy.Limits.MissingPercent,
        CompletionPercent = rollout.CompletionPercent,
    };
}
