using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Rollouts.Deployments;

/// <summary>
/// The rules of a deployment, pure: where it begins, what comes next, where it parks. The agent saves the record after
/// each <see cref="Next"/> and before the act that <see cref="Plan"/> names.
/// </summary>
public static class DeploymentMachine
{
    /// <summary>
    /// Restarts of the agent that one activation or probation survives; the one after is treated as
    /// <see cref="PhaseOutcome.InvariantBroken"/>, so that a candidate that takes the device down with it ends. Only those
    /// count that the candidate can have caused: not one that was ordered, and none after it has answered for a minute.
    /// </summary>
    public const int MaximumRestartsInPhase = 3;

    /// <summary>
    /// First phase of a new deployment. An older digest that the device still holds goes straight to activation, and one
    /// that is active already is done, unless its probation was cut short: then that is what is left to do.
    /// </summary>
    /// <param name="desired">What the controller wants.</param>
    /// <param name="active">The active digest; null on an unprovisioned device.</param>
    /// <param name="held">Digests whose files lie complete and verified on the device (previous, golden, staged).</param>
    /// <param name="proven">Whether a model ever passed its probation here; what is active in the place of one that did not, did not either.</param>
    public static DeploymentPhase Begin(DesiredDeployment desired, Digest? active, IEnumerable<Digest> held, bool proven = true)
    {
        if (active == desired.Digest)
        {
            return proven ? DeploymentPhase.Committed : DeploymentPhase.Probation;
        }
        return desired.Reason == DesiredReason.Rollback && held.Contains(desired.Digest)
            ? DeploymentPhase.Activating
            : DeploymentPhase.Offered;
    }

    /// <summary>
    /// Whether the deployment passes neither bench nor shadow: an install and an unprovisioned device have nothing to
    /// compare with, a rollback brings back what was proven before.
    /// </summary>
    public static bool SkipsTrials(DesiredDeployment desired, Digest? active) =>
        desired.Plan.Install || desired.Reason == DesiredReason.Rollback || active is null;

    /// <summary>The phase after <paramref name="outcome"/>.</summary>
    /// <exception cref="InvalidOperationException">The table has no such pair: a bug of the caller.</exception>
    public static DeploymentPhase Next(DeploymentPhase phase, PhaseOutcome outcome) =>
        DeploymentTransitions.Table.TryGetValue((phase, outcome), out DeploymentPhase next)
            ? next
            : throw new InvalidOperationException($"a deployment in phase '{phase}' has no transition for outcome '{outcome}'");

    /// <summary>What to do now in <paramref name="phase"/> when the deployment may go as far as <paramref name="goal"/>.</summary>
    public static DeploymentStep Plan(DeploymentPhase phase, DeploymentGoal goal, bool skipsTrials) => phase switch
    {
        DeploymentPhase.Offered => new(DeploymentAct.Admit),
        DeploymentPhase.Accepted => new(DeploymentAct.Fetch),
        DeploymentPhase.Fetched => new(DeploymentAct.Verify),
        DeploymentPhase.Verified => new(DeploymentAct.Stage),
        DeploymentPhase.Staged when goal == DeploymentGoal.Staged => new(DeploymentAct.Park),
        DeploymentPhase.Staged when !skipsTrials => new(DeploymentAct.Bench),
        DeploymentPhase.Staged when goal == DeploymentGoal.Active => new(DeploymentAct.Move, PhaseOutcome.ActivationWanted),
        DeploymentPhase.Staged => new(DeploymentAct.Park),
        DeploymentPhase.Benchmarked => goal switch
        {
            DeploymentGoal.Active => new(DeploymentAct.Move, PhaseOutcome.ActivationWanted),
            DeploymentGoal.Shadowing => new(DeploymentAct.Move, PhaseOutcome.ShadowWanted),
            _ => new(DeploymentAct.Park),
        },
        DeploymentPhase.Shadowing => goal switch
        {
            DeploymentGoal.Active => new(DeploymentAct.Move, PhaseOutcome.ActivationWanted),
            DeploymentGoal.Shadowing => new(DeploymentAct.Shadow),
            _ => new(DeploymentAct.Move, PhaseOutcome.GoalLowered),
        },
        DeploymentPhase.Activating => new(DeploymentAct.Activate),
        DeploymentPhase.Probation => new(DeploymentAct.Watch),
        DeploymentPhase.RollingBack => new(DeploymentAct.Restore),
        _ => new(DeploymentAct.None),
    };

    /// <summary>
    /// Whether it may be given up for what happens around it: a runner that is away, a disk that fails, starts of the agent.
    /// A way back may not: giving it up brings back what was taken away, for good. Its slots are written, the runner reads
    /// them when it starts, and a digest that does not load is still found out.
    /// </summary>
    public static bool MayGiveUp(DeploymentPhase phase, DesiredReason reason) => phase switch
    {
        DeploymentPhase.Activating or DeploymentPhase.Probation => reason != DesiredReason.Rollback,
        DeploymentPhase.RollingBack => false,
        _ => true,
    };

    /// <summary>Whether a phase is an end state.</summary>
    public static bool IsEnd(DeploymentPhase phase) => phase >= DeploymentPhase.Committed;

    /// <summary>Whether the deployment ended well. There is no other success.</summary>
    public static bool IsSuccess(DeploymentPhase phase) => phase == DeploymentPhase.Committed;

    /// <summary>
    /// Whether the end state counts against the digest, so that this device refuses it until the attempt goes up.
    /// </summary>
    public static bool IsFailure(DeploymentPhase phase) =>
        phase is DeploymentPhase.FailedUnchanged or DeploymentPhase.FailedRolledBack or DeploymentPhase.FailedCouldNotRollBack;

    /// <summary>Whether the candidate may be answering requests in this phase.</summary>
    public static bool IsExposed(DeploymentPhase phase) => (PhaseServing.Of(phase) & ServedModels.Candidate) != 0;
}
