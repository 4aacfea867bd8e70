using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Agent.Tests.Support;

/// <summary>Desired deployments as rollouts write them.</summary>
internal static class Wanted
{
    public static DesiredDeployment Install(Digest digest, string rollout = "r1", string model = "fashion") => new()
    {
        Model = model,
        Digest = digest,
        Goal = DeploymentGoal.Active,
        Reason = DesiredReason.Rollout,
        RolloutId = rollout,
        Plan = new TrialPlan { Install = true, ProbationSeconds = 10 },
    };

    public static DesiredDeployment Staged(Digest digest, DeploymentGoal goal, string rollout = "r2", string model = "fashion", int attempt = 1) => new()
    {
        Model = model,
        Digest = digest,
        Goal = goal,
        Reason = DesiredReason.Rollout,
        RolloutId = rollout,
        Attempt = attempt,
        Plan = new TrialPlan { ProbationSeconds = 10 },
    };

    public static DesiredDeployment Rollback(Digest digest, string model = "fashion") => new()
    {
        Model = model,
        Digest = digest,
        Goal = DeploymentGoal.Active,
        Reason = DesiredReason.Rollback,
        RolloutId = "rb1",
        Plan = new TrialPlan { ProbationSeconds = 10 },
    };
}
