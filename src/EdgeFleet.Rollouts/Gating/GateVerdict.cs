using EdgeFleet.Core;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>The gate's answer for one hardware class at one stage, with its evidence.</summary>
public sealed record GateVerdict
{
    public int SchemaVersion { get; init; } = 1;
    public required GateDecision Decision { get; init; }
    public required VerdictKind Kind { get; init; }
    public required string HardwareClass { get; init; }
    public required StageKind Stage { get; init; }
    public required int StageIndex { get; init; }
    public required int ClassSize { get; init; }
    public required int CohortSize { get; init; }
    public required Digest MarginsHash { get; init; }
    public required IReadOnlyList<MetricVerdict> Metrics { get; init; }
    public required IReadOnlyList<DeviceVerdict> Devices { get; init; }

    /// <summary>The inputs by request parameter, worst first; empty where the policy names none.</summary>
    public IReadOnlyList<SliceVerdict> Slices { get; init => field = value ?? []; } = []; // a stored verdict that does not say it sets null

    /// <summary>How far the answers moved; decides nothing.</summary>
    public IReadOnlyList<DriftVerdict> Drift { get; init => field = value ?? []; } = [];

    /// <summary>log of the weighted average of the harm e-values, against <see cref="HarmLogThreshold"/>.</summary>
    public required double HarmLogE { get; init; }
    public required double HarmLogThreshold { get; init; }
    public required double PromotionLogThreshold { get; init; }

    /// <summary>Enough signs of harm to hold, not enough to take back.</summary>
    public required bool Amber { get; init; }

    public required IReadOnlyList<MissingEvidence> Missing { get; init; }

    /// <summary>What makes the numbers less sure than they look; decides nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The decision in one sentence, with its numbers.</summary>
    public required string Reason { get; init; }
    public required DateTimeOffset EvaluatedAt { get; init; }
}

/// <summary>A verdict with everything that it was computed from.</summary>
public sealed record StoredVerdict(GateInput Input, GateVerdict Verdict);
