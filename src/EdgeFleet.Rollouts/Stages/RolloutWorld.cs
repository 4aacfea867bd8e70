using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// What a device last reported about this rollout's deployment, of this rollout's attempt. Older attempts and other
/// rollouts are not shown.
/// </summary>
public sealed record DeploymentReport
{
    public required DeploymentPhase Phase { get; init; }

    /// <summary>The device says that an invariant was broken (NaN, wrong shape, crash, memory).</summary>
    public bool InvariantBroken { get; init; }

    /// <summary>A stable word; see <see cref="Gating.InvariantKinds"/> for those of invariants.</summary>
    public string? Code { get; init; }

    /// <summary>A sentence.</summary>
    public string? Detail { get; init; }

    public BenchEvidence? Bench { get; init; }

    public ProbationEvidence? Probation { get; init; }
}

/// <summary>One enrolled device as the controller knows it.</summary>
public sealed record DeviceView
{
    public required string DeviceId { get; init; }
    public required string HardwareClass { get; init; }

    /// <summary>Labels and facts by name; <c>deviceId</c> and <c>hardwareClass</c> are added by the reconciler.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>What it serves of the rollout's model; null when unprovisioned.</summary>
    public Digest? Active { get; init; }

    /// <summary>When it was last heard of on any channel; null for never.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }

    /// <summary>How often it is expected to be heard of, where that is rare.</summary>
    public TimeSpan? ExpectedContact { get; init; }

    public bool Revoked { get; init; }

    public DeploymentReport? Deployment { get; init; }
}

/// <summary>Everything outside a rollout that a decision depends on.</summary>
public sealed record RolloutWorld
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>All approved devices of the tenant (and revoked ones that were drawn), each once.</summary>
    public required IReadOnlyList<DeviceView> Devices { get; init; }

    /// <summary>The shadow ticks of the rollout's attempt.</summary>
    public ITickLog Ticks { get; init; } = NoTicks.Instance;

    /// <summary>What they came to at the last look; a fresh one is filled from the start, and comes to the same.</summary>
    public ReportedEvidence Evidence { get; init; } = new();

    /// <summary>Hardware classes that the candidate's manifest is meant for; empty means any.</summary>
    public IReadOnlyList<string> CandidateHardwareClasses { get; init; } = [];
}
