using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>One step of a rollout. The cohort is counted per hardware class, along the frozen enrolment order, among the devices that its selector takes.</summary>
public sealed record StageSpec
{
    public required StageKind Kind { get; init; }

    /// <summary>
    /// Which devices of the class belong to it; empty means any. A shadow stage has none: it speaks for its whole class only
    /// where its devices were drawn from the whole class.
    /// </summary>
    public string Selector { get; init; } = "";

    /// <summary>Devices per class; null where <see cref="Percent"/> says it, for a full stage, and where all that match are meant.</summary>
    public int? Devices { get; init; }

    /// <summary>Share of the class, or of those of it that match the selector, in percent.</summary>
    public double? Percent { get; init; }

    /// <summary>
    /// In percent: the stage's devices go on serving the baseline, and the candidate answers so many of their requests. Null: the
    /// candidate takes the baseline's place.
    /// </summary>
    public double? Requests { get; init; }

    /// <summary>A person must approve before the stage begins.</summary>
    public bool Approval { get; init; }

    /// <summary>The role that whoever approves must hold; null for any operator.</summary>
    public string? ApprovalRole { get; init; }

    /// <summary>How many persons must approve, each for themselves.</summary>
    public int ApprovalCount { get; init; } = 1;

    /// <summary>What is asked before the stage begins, for people.</summary>
    public string ApprovalAsked =>
        (ApprovalCount == 1 ? "a person's approval" : FormattableString.Invariant($"the approval of {ApprovalCount} persons"))
        + (ApprovalRole is { } role ? $" in role '{role}'" : "");

    /// <summary>How far a device of this stage may go.</summary>
    public DeploymentGoal Goal => Kind switch
    {
        StageKind.Bench => DeploymentGoal.Benchmarked,
        StageKind.Shadow => DeploymentGoal.Shadowing,
        // Compared as before, and asked beside that.
        _ when Requests is not null => DeploymentGoal.Shadowing,
        _ => DeploymentGoal.Active,
    };

    /// <summary>How many of <paramref name="matching"/> devices of a class belong to this stage.</summary>
    public int CohortSize(int matching)
    {
        if (Devices is null && Percent is null)
        {
            return matching;
        }
        int byPercent = Percent is { } percent ? (int)Math.Ceiling(matching * percent / 100) : 0;
        return Math.Clamp(Math.Max(byPercent, Devices ?? 0), Math.Min(1, matching), matching);
    }
}
