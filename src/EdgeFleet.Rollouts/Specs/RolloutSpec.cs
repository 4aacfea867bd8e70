using System.Text.Json.Serialization;
using EdgeFleet.Core;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>How the candidate gets onto the devices.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RolloutStrategy>))]
public enum RolloutStrategy
{
    /// <summary>Against the model that the devices serve now, stage by stage.</summary>
    [JsonStringEnumMemberName("staged")] Staged,

    /// <summary>The first model of unprovisioned devices: nothing to compare with, gated on invariants only.</summary>
    [JsonStringEnumMemberName("install")] Install,
}

/// <summary>What the candidate claims to be.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CompareMode>))]
public enum CompareMode
{
    /// <summary>A compressed form of the baseline: agreement gates.</summary>
    [JsonStringEnumMemberName("equivalence")] Equivalence,

    /// <summary>A retrained model that differs on purpose: agreement only informs, a person approves.</summary>
    [JsonStringEnumMemberName("improvement")] Improvement,
}

/// <summary>One candidate across a fleet, as an operator wrote it (<c>kind: Rollout</c>).</summary>
public sealed record RolloutSpec
{
    public const string DefaultStratify = "site";

    public required string Name { get; init; }

    public required string Model { get; init; }

    public required Digest Candidate { get; init; }

    public RolloutStrategy Strategy { get; init; } = RolloutStrategy.Staged;

    public CompareMode Compare { get; init; } = CompareMode.Equivalence;

    /// <summary>Which devices; empty means all. See <see cref="Specs.Selector"/>.</summary>
    public string Selector { get; init; } = "";

    /// <summary>
    /// A label (or fact) whose values every cohort holds in proportion, so that a canary of twenty is not twenty of one site;
    /// empty for none. Hardware classes are apart anyway.
    /// </summary>
    public string Stratify { get; init; } = DefaultStratify;

    /// <summary>Name of a policy.</summary>
    public string Policy { get; init; } = PolicySpec.DefaultName;

    /// <summary>The policy in place; it goes before a name.</summary>
    public PolicySpec? PolicySpec { get; init; }

    /// <summary>A digest that failed on a device is refused there until this number goes up.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Share of the devices that did not refuse which must be committed for the rollout to be complete.</summary>
    public double CompletionPercent { get; init; } = 100;

    public required IReadOnlyList<StageSpec> Stages { get; init; }
}
