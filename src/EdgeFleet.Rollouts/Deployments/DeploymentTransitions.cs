using System.Collections.Frozen;
using EdgeFleet.Core.Deployments;
using static EdgeFleet.Core.Deployments.DeploymentPhase;
using static EdgeFleet.Rollouts.Deployments.PhaseOutcome;

namespace EdgeFleet.Rollouts.Deployments;

/// <summary>
/// A deployment's whole life on a device, as data. A pair that is not listed cannot happen. A phase that is its own
/// successor runs its act again, which every act allows.
/// </summary>
public static class DeploymentTransitions
{
    public static FrozenDictionary<(DeploymentPhase Phase, PhaseOutcome Outcome), DeploymentPhase> Table { get; } =
        new Dictionary<(DeploymentPhase, PhaseOutcome), DeploymentPhase>
        {
            // Offered: admit it where it is for this hardware, fits on the disk and has not failed here before.
            [(Offered, Success)] = Accepted,
            [(Offered, Retry)] = Offered,
            [(Offered, Refusal)] = Refused,
            [(Offered, Failure)] = FailedUnchanged,
            [(Offered, GoalLowered)] = Offered,
            [(Offered, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Offered, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Offered, DeadlinePassed)] = FailedUnchanged,
            [(Offered, Restarted)] = Offered,

            // Accepted: fetch the content. A broken download never makes a bad digest: it is a Retry.
            [(Accepted, Success)] = Fetched,
            [(Accepted, Retry)] = Accepted,
            [(Accepted, Refusal)] = Refused,
            [(Accepted, Failure)] = FailedUnchanged,
            [(Accepted, GoalLowered)] = Accepted,
            [(Accepted, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Accepted, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Accepted, DeadlinePassed)] = FailedUnchanged,
            [(Accepted, Restarted)] = Accepted,

            // Fetched: verify signature, digests and contract, scan the graph.
            [(Fetched, Success)] = Verified,
            [(Fetched, Retry)] = Fetched,
            [(Fetched, Refusal)] = Refused,
            [(Fetched, Failure)] = FailedUnchanged,
            [(Fetched, GoalLowered)] = Fetched,
            [(Fetched, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Fetched, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Fetched, DeadlinePassed)] = FailedUnchanged,
            [(Fetched, Restarted)] = Fetched,

            // Verified: lay the files out under the artifact's own folder.
            [(Verified, Success)] = Staged,
            [(Verified, Retry)] = Verified,
            [(Verified, Refusal)] = Refused,
            [(Verified, Failure)] = FailedUnchanged,
            [(Verified, GoalLowered)] = Verified,
            [(Verified, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Verified, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Verified, DeadlinePassed)] = FailedUnchanged,
            [(Verified, Restarted)] = Verified,

            // Staged: benchmark against the baseline; straight to activation where there is nothing to compare.
            [(Staged, Success)] = Benchmarked,
            [(Staged, Retry)] = Staged,
            [(Staged, Refusal)] = Refused,
            [(Staged, Failure)] = FailedUnchanged,
            [(Staged, InvariantBroken)] = FailedUnchanged,
            [(Staged, ActivationWanted)] = Activating,
            [(Staged, GoalLowered)] = Staged,
            [(Staged, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Staged, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Staged, DeadlinePassed)] = FailedUnchanged,
            [(Staged, Restarted)] = Staged,

            // Benchmarked: wait for the goal. It was fit; what fails from here on is a failure.
            [(Benchmarked, ShadowWanted)] = Shadowing,
            [(Benchmarked, ActivationWanted)] = Activating,
            [(Benchmarked, Failure)] = FailedUnchanged,
            [(Benchmarked, GoalLowered)] = Benchmarked,
            [(Benchmarked, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Benchmarked, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Benchmarked, DeadlinePassed)] = FailedUnchanged,
            [(Benchmarked, Restarted)] = Benchmarked,

            // Shadowing: compare on live inputs until the goal moves.
            [(Shadowing, ActivationWanted)] = Activating,
            [(Shadowing, Retry)] = Shadowing,
            [(Shadowing, Refusal)] = Refused,
            [(Shadowing, Failure)] = FailedUnchanged,
            [(Shadowing, InvariantBroken)] = FailedUnchanged,
            [(Shadowing, GoalLowered)] = Benchmarked,
            [(Shadowing, PhaseOutcome.Superseded)] = DeploymentPhase.Superseded,
            [(Shadowing, OperatorRollback)] = DeploymentPhase.Superseded,
            [(Shadowing, DeadlinePassed)] = FailedUnchanged,
            [(Shadowing, Restarted)] = Shadowing,

            // Activating: the swap is on its way, so the only way out is forward or through RollingBack.
            [(Activating, Success)] = Probation,
            [(Activating, KnownGoodServing)] = Committed,
            [(Activating, Retry)] = Activating,
            [(Activating, Failure)] = RollingBack,
            [(Activating, InvariantBroken)] = RollingBack,
            [(Activating, GoalLowered)] = Activating,
            [(Activating, PhaseOutcome.Superseded)] = RollingBack,
            [(Activating, OperatorRollback)] = RollingBack,
            [(Activating, DeadlinePassed)] = RollingBack,
            [(Activating, Restarted)] = Activating,

            // Probation: the candidate serves and is watched. Time runs on its own, so a deadline changes nothing.
            [(Probation, Success)] = Committed,
            [(Probation, Retry)] = Probation,
            [(Probation, Failure)] = RollingBack,
            [(Probation, InvariantBroken)] = RollingBack,
            [(Probation, GoalLowered)] = Probation,
            [(Probation, PhaseOutcome.Superseded)] = RollingBack,
            [(Probation, Overtaken)] = DeploymentPhase.Superseded,
            [(Probation, OperatorRollback)] = RollingBack,
            [(Probation, DeadlinePassed)] = Probation,
            [(Probation, Restarted)] = Probation,

            // RollingBack: nothing stops a rollback once it is decided.
            [(RollingBack, RestoredAfterFault)] = FailedRolledBack,
            [(RollingBack, RestoredAfterWithdrawal)] = DeploymentPhase.Superseded,
            [(RollingBack, Retry)] = RollingBack,
            [(RollingBack, Failure)] = FailedCouldNotRollBack,
            [(RollingBack, InvariantBroken)] = RollingBack,
            [(RollingBack, GoalLowered)] = RollingBack,
            [(RollingBack, PhaseOutcome.Superseded)] = RollingBack,
            [(RollingBack, OperatorRollback)] = RollingBack,
            [(RollingBack, DeadlinePassed)] = RollingBack,
            [(RollingBack, Restarted)] = RollingBack,
        }.ToFrozenDictionary();
}
