using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>What a rollout will ask of one hardware class, told before it starts.</summary>
public sealed record ClassPlan
{
    public required string HardwareClass { get; init; }
    public required int Devices { get; init; }
    public required VerdictKind Kind { get; init; }
    public required IReadOnlyList<StagePlan> Stages { get; init; }

    /// <summary>What each metric that decides needs; empty for an install.</summary>
    public IReadOnlyList<MetricPlan> Metrics { get; init; } = [];

    /// <summary>Fewest observations (devices of a large class, windows of pairs on each device of a census) that can promote; null when none can.</summary>
    public int? LeastObservations { get; init; }

    /// <summary>Least time that a perfect candidate spends in the shadow; null without a shadow.</summary>
    public TimeSpan? LeastShadow { get; init; }

    /// <summary>Least time of all stages together.</summary>
    public TimeSpan Least => Stages.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage.Least);

    /// <summary>The plan in one sentence.</summary>
    public required string Sentence { get; init; }

    /// <summary>What the numbers rest on, measured or assumed, and what is worth knowing about them.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Why the class could never be promoted by itself; null when it can.</summary>
    public string? Complaint { get; init; }
}
