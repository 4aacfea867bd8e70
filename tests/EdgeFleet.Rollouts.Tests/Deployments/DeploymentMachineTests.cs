using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Rollouts.Tests.Deployments;

public sealed class DeploymentMachineTests
{
    private static readonly Digest s_old = Digest.Of("old"u8);
    private static readonly Digest s_new = Digest.Of("new"u8);

    [Theory]
    [InlineData(DeploymentGoal.Staged, DeploymentPhase.Staged)]
    [InlineData(DeploymentGoal.Benchmarked, DeploymentPhase.Benchmarked)]
    [InlineData(DeploymentGoal.Shadowing, DeploymentPhase.Shadowing)]
    [InlineData(DeploymentGoal.Active, DeploymentPhase.Committed)]
    public void A_deployment_that_succeeds_everywhere_stops_at_its_goal(DeploymentGoal goal, DeploymentPhase expected)
    {
        Assert.Equal(expected, Walk(DeploymentPhase.Offered, goal, skipsTrials: false)[^1]);
    }

    [Fact]
    public void A_goal_that_moves_takes_a_parked_deployment_further()
    {
        DeploymentPhase parked = Walk(DeploymentPhase.Offered, DeploymentGoal.Benchmarked, skipsTrials: false)[^1];
        parked = Walk(parked, DeploymentGoal.Shadowing, skipsTrials: false)[^1];

        Assert.Equal(DeploymentPhase.Shadowing, parked);
        Assert.Equal(
            [DeploymentPhase.Shadowing, DeploymentPhase.Activating, DeploymentPhase.Probation, DeploymentPhase.Committed],
            Walk(parked, DeploymentGoal.Active, skipsTrials: false));
    }

    [Fact]
    public void A_goal_that_moves_back_stops_the_shadow_and_nothing_else()
    {
        Assert.Equal(new DeploymentStep(DeploymentAct.Move, PhaseOutcome.GoalLowered), DeploymentMachine.Plan(DeploymentPhase.Shadowing, DeploymentGoal.Staged, false));
        Assert.Equal(DeploymentPhase.Benchmarked, DeploymentMachine.Next(DeploymentPhase.Shadowing, PhaseOutcome.GoalLowered));
        Assert.Equal(DeploymentAct.Park, DeploymentMachine.Plan(DeploymentPhase.Benchmarked, DeploymentGoal.Staged, false).Act);
    }

    [Fact]
    public void An_install_goes_from_staged_to_activating_without_a_trial()
    {
        DesiredDeployment install = Desired(s_new, DesiredReason.Rollout) with { Plan = new TrialPlan { Install = true } };

        Assert.True(DeploymentMachine.SkipsTrials(install, null));
        List<DeploymentPhase> path = Walk(DeploymentMachine.Begin(install, null, []), DeploymentGoal.Active, skipsTrials: true);
        Assert.DoesNotContain(DeploymentPhase.Benchmarked, path);
        Assert.DoesNotContain(DeploymentPhase.Shadowing, path);
        Assert.Equal(DeploymentPhase.Committed, path[^1]);
    }

    [Fact]
    public void A_rollback_to_a_digest_that_is_held_goes_straight_to_activating_and_needs_no_probation()
    {
        DesiredDeployment rollback = Desired(s_old, DesiredReason.Rollback);

        Assert.Equal(DeploymentPhase.Activating, DeploymentMachine.Begin(rollback, s_new, [s_old]));
        Assert.Equal(DeploymentPhase.Committed, DeploymentMachine.Next(DeploymentPhase.Activating, PhaseOutcome.KnownGoodServing));
    }

    [Fact]
    public void A_rollback_to_a_digest_that_is_not_held_is_fetched_and_then_skips_the_trials()
    {
        DesiredDeployment rollback = Desired(s_old, DesiredReason.Rollback);

        Assert.Equal(DeploymentPhase.Offered, DeploymentMachine.Begin(rollback, s_new, []));
        Assert.True(DeploymentMachine.SkipsTrials(rollback, s_new));
    }

    [Fact]
    public void A_digest_that_is_active_already_is_committed_at_once()
    {
        Assert.Equal(DeploymentPhase.Committed, DeploymentMachine.Begin(Desired(s_new, DesiredReason.Rollback), s_new, []));
    }

    [Fact]
    public void A_digest_that_is_active_and_never_passed_its_probation_begins_with_it()
    {
        Assert.Equal(DeploymentPhase.Probation, DeploymentMachine.Begin(Desired(s_new, DesiredReason.Rollout), s_new, [], proven: false));
        Assert.Equal(DeploymentPhase.Offered, DeploymentMachine.Begin(Desired(s_old, DesiredReason.Rollout), s_new, [], proven: false));
    }

    [Fact]
    public void A_held_digest_that_a_rollout_names_still_passes_its_trials()
    {
        DesiredDeployment again = Desired(s_old, DesiredReason.Rollout);

        Assert.Equal(DeploymentPhase.Offered, DeploymentMachine.Begin(again, s_new, [s_old]));
        Assert.False(DeploymentMachine.SkipsTrials(again, s_new));
    }

    [Fact]
    public void Every_step_that_is_planned_has_a_transition_for_what_it_can_yield()
    {
        foreach (DeploymentPhase phase in Enum.GetValues<DeploymentPhase>())
        {
            foreach (DeploymentGoal goal in Enum.GetValues<DeploymentGoal>())
            {
                foreach (bool skips in new[] { false, true })
                {
                    DeploymentStep step = DeploymentMachine.Plan(phase, goal, skips);
                    Assert.Equal(step.Act == DeploymentAct.None, DeploymentMachine.IsEnd(phase));
                    foreach (PhaseOutcome outcome in Yields(step))
                    {
                        Assert.True(DeploymentTransitions.Table.ContainsKey((phase, outcome)), $"{phase} at goal {goal}: {step.Act} can end in {outcome}");
                    }
                }
            }
        }
    }

    [Fact]
    public void A_way_back_is_never_given_up_for_what_happens_around_it_and_everything_else_may_be()
    {
        Assert.Equal(
            [
                (DeploymentPhase.Activating, DesiredReason.Rollback), (DeploymentPhase.Probation, DesiredReason.Rollback),
                .. Enum.GetValues<DesiredReason>().Select(reason => (DeploymentPhase.RollingBack, reason)),
            ],
            from phase in Enum.GetValues<DeploymentPhase>()
            from reason in Enum.GetValues<DesiredReason>()
            where !DeploymentMachine.MayGiveUp(phase, reason)
            select (phase, reason));
    }

    [Fact]
    public void Only_failures_bar_a_digest_and_neither_a_refusal_nor_a_withdrawal_does()
    {
        Assert.Equal(
            [DeploymentPhase.FailedUnchanged, DeploymentPhase.FailedRolledBack, DeploymentPhase.FailedCouldNotRollBack],
            Enum.GetValues<DeploymentPhase>().Where(DeploymentMachine.IsFailure));
    }

    private static IEnumerable<PhaseOutcome> Yields(DeploymentStep step) => step.Act switch
    {
        DeploymentAct.Admit or DeploymentAct.Fetch or DeploymentAct.Verify or DeploymentAct.Stage =>
            [PhaseOutcome.Success, PhaseOutcome.Retry, PhaseOutcome.Refusal, PhaseOutcome.Failure],
        DeploymentAct.Bench =>
            [PhaseOutcome.Success, PhaseOutcome.Retry, PhaseOutcome.Refusal, PhaseOutcome.Failure, PhaseOutcome.InvariantBroken],
        DeploymentAct.Shadow => [PhaseOutcome.Retry, PhaseOutcome.Failure, PhaseOutcome.InvariantBroken],
        DeploymentAct.Move => [step.MoveBy!.Value],
        DeploymentAct.Activate =>
            [PhaseOutcome.Success, PhaseOutcome.KnownGoodServing, PhaseOutcome.Retry, PhaseOutcome.Failure, PhaseOutcome.InvariantBroken],
        DeploymentAct.Watch => [PhaseOutcome.Success, PhaseOutcome.Retry, PhaseOutcome.Failure, PhaseOutcome.InvariantBroken],
        DeploymentAct.Restore =>
            [PhaseOutcome.RestoredAfterFault, PhaseOutcome.RestoredAfterWithdrawal, PhaseOutcome.Retry, PhaseOutcome.Failure],
        _ => [],
    };

    // Follows the plan with a device on which everything works, until it parks or ends.
    private static List<DeploymentPhase> Walk(DeploymentPhase phase, DeploymentGoal goal, bool skipsTrials)
    {
        List<DeploymentPhase> path = [phase];
        while (true)
        {
            DeploymentStep step = DeploymentMachine.Plan(phase, goal, skipsTrials);
            if (step.Act is DeploymentAct.Park or DeploymentAct.Shadow or DeploymentAct.None)
            {
                return path;
            }
            phase = DeploymentMachine.Next(phase, step.MoveBy ?? PhaseOutcome.Success);
            path.Add(phase);
        }
    }

    private static DesiredDeployment Desired(Digest digest, DesiredReason reason) =>
        new() { Model = "fashion", Digest = digest, Goal = DeploymentGoal.Active, Reason = reason };
}
