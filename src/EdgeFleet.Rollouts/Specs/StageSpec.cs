using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>One step of a rollout. The cohort is counted per hardware class, along the frozen enrolment order.</summary>
public sealed record StageSpec
{
    public required StageKind Kind { get; init; }

    /// <summary>Devices per class; null where <see cref="Percent"/> says it, or for a full stage.</summary>
    public int? Devices { get; init; }

    /// <summary>Share of the class in percent.</summary>
    public double? Percent { get; init; }

    /// <summary>A person must approve before the stage begins.</summary>
    public bool Approval { get; init; }

    /// <summary>How far a device of this stage may go.</summary>
    public DeploymentGoal Goal => Kind switch
    {
        StageKind.Bench => DeploymentGoal.Benchmarked,
        StageKind.Shadow => DeploymentGoal.Shadowing,
        _ => DeploymentGoal.Active,
    };

    /// <summary>Devices of a class of <paramref name="classSize"/> that belong to this stage.</summary>
    public int CohortSize(int classSize)
    {
        if (Kind == StageKind.Full)
        {
            return classSize;
        }
        int byPercent = Percent is { } percent ? (int)Math.Ceiling(classSize * percent / 100) : 0;
        return Math.Clamp(Math.Max(byPercent, Devices ?? 0), Math.Min(1, classSize), classSize);
    }
}
