using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Rollouts.Deployments;

/// <summary>Which artifacts a provisioned device may be serving. A swap is atomic, so while one runs it is either of two.</summary>
[Flags]
public enum ServedModels
{
    None = 0,

    /// <summary>What was active before the deployment.</summary>
    Before = 1,

    /// <summary>The deployment's own artifact.</summary>
    Candidate = 2,

    /// <summary>The golden artifact, where the one of before no longer loads.</summary>
    Golden = 4,
}

/// <summary>What is served in each phase: the data behind "a provisioned device always has a model that it can serve".</summary>
public static class PhaseServing
{
    public static ServedModels Of(DeploymentPhase phase) => phase switch
    {
        DeploymentPhase.Offered or DeploymentPhase.Accepted or DeploymentPhase.Fetched or DeploymentPhase.Verified
            or DeploymentPhase.Staged or DeploymentPhase.Benchmarked or DeploymentPhase.Shadowing => ServedModels.Before,
        DeploymentPhase.Activating => ServedModels.Before | ServedModels.Candidate,
        DeploymentPhase.Probation or DeploymentPhase.Committed => ServedModels.Candidate,
        DeploymentPhase.RollingBack => ServedModels.Before | ServedModels.Candidate | ServedModels.Golden,
        DeploymentPhase.Refused or DeploymentPhase.FailedUnchanged => ServedModels.Before,
        DeploymentPhase.FailedRolledBack => ServedModels.Before | ServedModels.Golden,
        // The candidate only where there was nothing before it: a first install that was overtaken serves on.
        DeploymentPhase.Superseded => ServedModels.Before | ServedModels.Golden | ServedModels.Candidate,
        DeploymentPhase.FailedCouldNotRollBack => ServedModels.Candidate,
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "not a deployment phase"),
    };
}
