namespace EdgeFleet.Rollouts.Deployments;

/// <summary>What the agent does next with a deployment.</summary>
public enum DeploymentAct
{
    /// <summary>Look at the manifest, the hardware class, the room on the disk and what failed here before, and take it or not.</summary>
    Admit,
    Fetch,
    Verify,
    Stage,
    Bench,

    /// <summary>Nothing until the goal moves.</summary>
    Park,

    /// <summary>Run the shadow worker until the goal moves.</summary>
    Shadow,

    /// <summary>No work: save the phase that <see cref="DeploymentStep.MoveBy"/> leads to.</summary>
    Move,

    /// <summary>Swap the slots and have the runner load the candidate.</summary>
    Activate,

    /// <summary>Watch the served candidate until the probation is over.</summary>
    Watch,

    /// <summary>Put back what was active before (then golden).</summary>
    Restore,

    /// <summary>The deployment is over.</summary>
    None,
}

/// <summary>The next act and, where it is a mere move, the outcome to apply.</summary>
public readonly record struct DeploymentStep(DeploymentAct Act, PhaseOutcome? MoveBy = null);
