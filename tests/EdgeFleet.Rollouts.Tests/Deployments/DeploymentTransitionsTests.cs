using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Rollouts.Tests.Deployments;

public sealed class DeploymentTransitionsTests
{
    private static readonly DeploymentPhase[] s_phases = Enum.GetValues<DeploymentPhase>();
    private static readonly DeploymentPhase[] s_working = [.. s_phases.Where(p => !DeploymentMachine.IsEnd(p))];

    // What may happen at any moment, whatever the device is doing: each working phase must have an answer.
    private static readonly PhaseOutcome[] s_anyTime =
    [
        PhaseOutcome.Failure, PhaseOutcome.Superseded, PhaseOutcome.OperatorRollback, PhaseOutcome.DeadlinePassed,
        PhaseOutcome.Restarted, PhaseOutcome.GoalLowered,
    ];

    [Fact]
    public void Every_working_phase_answers_everything_that_can_happen_at_any_time()
    {
        var missing = from phase in s_working
                      from outcome in s_anyTime
                      where !DeploymentTransitions.Table.ContainsKey((phase, outcome))
                      select (phase, outcome);

        Assert.Empty(missing);
    }

    [Fact]
    public void An_end_state_is_left_by_nothing()
    {
        Assert.Empty(DeploymentTransitions.Table.Keys.Where(key => DeploymentMachine.IsEnd(key.Phase)));
    }

    [Fact]
    public void Success_is_reached_only_from_activating_or_probation_and_only_by_their_own_good_outcome()
    {
        var intoCommitted = DeploymentTransitions.Table.Where(t => t.Value == DeploymentPhase.Committed).Select(t => t.Key).Order();

        Assert.Equal(
            [(DeploymentPhase.Activating, PhaseOutcome.KnownGoodServing), (DeploymentPhase.Probation, PhaseOutcome.Success)],
            intoCommitted);
        Assert.Equal([DeploymentPhase.Committed], s_phases.Where(DeploymentMachine.IsSuccess));
    }

    [Fact]
    public void In_every_phase_a_provisioned_device_serves_something()
    {
        Assert.All(s_phases, phase => Assert.NotEqual(ServedModels.None, PhaseServing.Of(phase)));
    }

    [Fact]
    public void No_step_changes_what_is_served_except_through_a_phase_that_swaps()
    {
        // A swap happens inside Activating and RollingBack; between any two other phases the served model must be one
        // that both know, so no path can end with a device that serves nothing or something unrecorded.
        foreach (((DeploymentPhase from, PhaseOutcome outcome), DeploymentPhase to) in DeploymentTransitions.Table)
        {
            ServedModels common = PhaseServing.Of(from) & PhaseServing.Of(to);
            Assert.True(common != ServedModels.None, $"{from} --{outcome}--> {to} serves nothing in common");

            bool swaps = from is DeploymentPhase.Activating or DeploymentPhase.RollingBack;
            bool mayGrow = to is DeploymentPhase.Activating or DeploymentPhase.RollingBack;
            if (!swaps && !mayGrow)
            {
                Assert.True(
                    (PhaseServing.Of(to) & PhaseServing.Of(from)) == PhaseServing.Of(from),
                    $"{from} --{outcome}--> {to} changes the served model without a swap");
            }
        }
    }

    [Fact]
    public void Once_the_candidate_may_serve_every_bad_outcome_leads_through_a_rollback()
    {
        PhaseOutcome[] bad = [PhaseOutcome.Failure, PhaseOutcome.InvariantBroken, PhaseOutcome.Superseded, PhaseOutcome.OperatorRollback];
        foreach (DeploymentPhase phase in new[] { DeploymentPhase.Activating, DeploymentPhase.Probation })
        {
            Assert.All(bad, outcome => Assert.Equal(DeploymentPhase.RollingBack, DeploymentMachine.Next(phase, outcome)));
        }
    }

    [Fact]
    public void A_first_install_that_is_overtaken_ends_without_a_swap_and_goes_on_serving()
    {
        Assert.Equal(DeploymentPhase.Superseded, DeploymentMachine.Next(DeploymentPhase.Probation, PhaseOutcome.Overtaken));
        Assert.True(DeploymentMachine.IsExposed(DeploymentPhase.Superseded));
        Assert.False(DeploymentMachine.IsFailure(DeploymentPhase.Superseded));
        Assert.Equal([DeploymentPhase.Probation], DeploymentTransitions.Table.Keys.Where(key => key.Outcome == PhaseOutcome.Overtaken).Select(key => key.Phase));
    }

    [Fact]
    public void Before_activation_no_outcome_can_lead_to_a_rollback_or_to_failed_rolled_back()
    {
        foreach (((DeploymentPhase from, _), DeploymentPhase to) in DeploymentTransitions.Table.Where(t => t.Key.Phase < DeploymentPhase.Activating))
        {
            Assert.False(to is DeploymentPhase.RollingBack or DeploymentPhase.FailedRolledBack or DeploymentPhase.FailedCouldNotRollBack, $"{from} leads to {to}");
        }
    }

    [Fact]
    public void A_restart_in_any_working_phase_goes_on_in_that_phase()
    {
        Assert.All(s_working, phase => Assert.Equal(phase, DeploymentMachine.Next(phase, PhaseOutcome.Restarted)));
    }

    [Fact]
    public void From_every_working_phase_an_end_can_be_reached_and_from_the_start_every_phase()
    {
        foreach (DeploymentPhase phase in s_working)
        {
            Assert.Contains(Reachable(phase), DeploymentMachine.IsEnd);
        }
        Assert.Equal(s_phases.Order(), Reachable(DeploymentPhase.Offered).Order());
    }

    [Fact]
    public void No_path_leaves_rolling_back_except_into_the_three_rollback_ends()
    {
        var ends = DeploymentTransitions.Table.Where(t => t.Key.Phase == DeploymentPhase.RollingBack).Select(t => t.Value).Distinct().Order();

        Assert.Equal(
            [DeploymentPhase.RollingBack, DeploymentPhase.FailedRolledBack, DeploymentPhase.FailedCouldNotRollBack, DeploymentPhase.Superseded],
            ends);
    }

    [Fact]
    public void A_pair_that_is_not_listed_is_a_bug_that_names_both()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => DeploymentMachine.Next(DeploymentPhase.Offered, PhaseOutcome.RestoredAfterFault));

        Assert.Contains("Offered", error.Message, StringComparison.Ordinal);
        Assert.Contains("RestoredAfterFault", error.Message, StringComparison.Ordinal);
    }

    private static HashSet<DeploymentPhase> Reachable(DeploymentPhase start)
    {
        HashSet<DeploymentPhase> seen = [start];
        Queue<DeploymentPhase> queue = new([start]);
        while (queue.TryDequeue(out DeploymentPhase phase))
        {
            foreach (DeploymentPhase next in DeploymentTransitions.Table.Where(t => t.Key.Phase == phase).Select(t => t.Value))
            {
                if (seen.Add(next))
                {
                    queue.Enqueue(next);
                }
            }
        }
        return seen;
    }
}
