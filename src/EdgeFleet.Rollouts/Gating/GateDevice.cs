using System.Text.Json.Serialization;
using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One device of a class as the gate sees it.</summary>
public sealed record GateDevice
{
    public required string DeviceId { get; init; }

    /// <summary>Whether the device belongs to the present stage, or only goes on with an earlier one.</summary>
    public required bool InCohort { get; init; }

    public required DeviceStanding Standing { get; init; }

    /// <summary>Why it stands there, for people.</summary>
    public string StandingReason { get; init; } = "";

    /// <summary>Whether ticks still come; a device that moved on to serving has none.</summary>
    public bool Shadowing { get; init; }

    /// <summary>Why the device has no shadow and never will; null where it has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ShadowAbsent { get; init; }

    /// <summary>What its judged ticks come to; null before the first.</summary>
    public DeviceEvidence? Evidence { get; init; }

    /// <summary>Ticks that were measured as another hardware class than the one that was drawn; <see cref="Evidence"/> has nothing of them.</summary>
    public int ForeignTicks { get; init; }

    /// <summary>The hardware class that the last of them names.</summary>
    public string? ForeignClass { get; init; }

    public IReadOnlyList<InvariantFinding> Invariants { get; init; } = [];

    /// <summary>Candidate over baseline at the device's own benchmark; shown, judged by the device itself.</summary>
    public double? BenchLatencyRatio { get; init; }
}
