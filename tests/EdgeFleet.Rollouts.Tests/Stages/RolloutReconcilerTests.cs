using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

public sealed class RolloutReconcilerTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(8), InlineData(30)]
    public void A_good_candidate_reaches_every_device_of_a_class_of_any_size(int devices)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", devices).RunToEnd();

        Assert.Equal(RolloutPhase.Completed, fleet.State.Phase);
        Assert.Equal(devices, fleet.Serving(FakeFleet.Candidate).Count());
        VerdictKind expected = devices < 10 ? VerdictKind.Census : VerdictKind.Statistical;
        Assert.Contains(fleet.Verdicts, v => v.Verdict is { Stage: StageKind.Shadow, Decision: GateDecision.Promote } && v.Verdict.Kind == expected);
        Assert.Equal(new AssignmentChange("fashion", "", FakeFleet.Candidate), Assert.Single(fleet.Last!.Assignments));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(8), InlineData(30)]
    public void A_candidate_that_answers_differently_is_stopped_before_any_device_serves_it(int devices)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", devices, _ => new Behaviour { DisagreementRate = 0.5 }).RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Empty(fleet.EverServedCandidate);
        Assert.Contains(fleet.Verdicts, v => v.Verdict.Decision == GateDecision.Rollback && v.Verdict.Kind != VerdictKind.Invariant);
        Assert.Empty(fleet.Last!.Assignments);
    }

    [Theory, InlineData(1), InlineData(4), InlineData(8), InlineData(30)]
    public void A_slow_candidate_is_stopped_before_any_device_serves_it(int devices)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", devices, _ => new Behaviour { LogLatencyRatio = 0.3 }).RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Empty(fleet.EverServedCandidate);
    }

    [Fact]
    public void An_install_reaches_unprovisioned_devices_without_bench_or_shadow()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Rollouts.Policy, provisioned: false).Add("orin", 4).Add("pi", 4).RunToEnd();

        Assert.Equal(RolloutPhase.Completed, fleet.State.Phase);
        Assert.Equal(8, fleet.Serving(FakeFleet.Candidate).Count());
        Assert.All(fleet.Verdicts, v => Assert.Equal(VerdictKind.Invariant, v.Verdict.Kind));
    }

    [Fact]
    public void A_class_whose_devices_refuse_ends_refused_while_another_goes_on()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).Add("pi", 4, _ => new Behaviour { RefusesAtBench = true }).RunToEnd();

        Assert.Equal(RolloutPhase.Completed, fleet.State.Phase);
        Assert.Equal(ClassPhase.Refused, fleet.Class("pi").Phase);
        Assert.All(fleet.Class("pi").Devices, d => Assert.Equal(DeviceStanding.Refused, d.Exit!.Standing));
        Assert.Equal(ClassPhase.Completed, fleet.Class("orin").Phase);
        Assert.Equal("hardwareClass in (\"orin\")", Assert.Single(fleet.Last!.Assignments).Selector);
        Assert.All(fleet.Last!.Goals.Where(g => g.DeviceId.StartsWith("pi", StringComparison.Ordinal)), g =>
            Assert.Equal((FakeFleet.Baseline, DesiredReason.Assignment), (g.Desired!.Digest, g.Desired.Reason)));
    }

    [Fact]
    public void A_large_class_is_given_up_after_a_few_refusals_of_its_first_devices()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("pi", 200, _ => new Behaviour { RefusesAtBench = true }).RunToEnd();

        Assert.Equal(RolloutPhase.Refused, fleet.State.Phase);
        Assert.Equal(3, fleet.Class("pi").Devices.Count(d => d.Stage >= 0));
    }

    [Fact]
    public void Devices_that_refuse_are_listed_and_not_counted_as_failures()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 5, i => new Behaviour { RefusesAtBench = i is 1 or 3 }).RunToEnd();

        Assert.Equal(RolloutPhase.Completed, fleet.State.Phase);
        Assert.Equal(3, fleet.Serving(FakeFleet.Candidate).Count());
        Assert.Equal(["orin-1", "orin-3"], fleet.Class("orin").Devices.Where(d => d.Exit?.Standing == DeviceStanding.Refused).Select(d => d.DeviceId).Order());
        Assert.Contains(fleet.Verdicts, v => v.Verdict.Decision == GateDecision.Promote && v.Verdict.Reason.Contains("2 refused", StringComparison.Ordinal));
    }

    [Theory, InlineData(4, ClassPhase.RolledBack), InlineData(8, ClassPhase.Completed)]
    public void One_device_with_nan_takes_back_a_cohort_under_five_and_only_itself_in_a_larger_one(int devices, ClassPhase expected)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", devices, i => new Behaviour { NonFinite = i == 2 }).RunToEnd();

        Assert.Equal(expected, fleet.Class("orin").Phase);
        Assert.DoesNotContain("orin-2", fleet.EverServedCandidate);
        DeviceProgress broken = fleet.Class("orin").Devices.Single(d => d.DeviceId == "orin-2");
        Assert.Equal(InvariantKind.NonFinite, Assert.Single(broken.Exit!.Invariants).Kind);
    }

    [Fact]
    public void Two_devices_with_nan_take_back_a_larger_cohort()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 8, i => new Behaviour { NonFinite = i is 2 or 5 }).RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Empty(fleet.EverServedCandidate);
        Assert.Contains(fleet.Verdicts, v => v.Verdict is { Kind: VerdictKind.Invariant, Decision: GateDecision.Rollback });
    }

    [Fact]
    public void A_candidate_that_crashes_while_serving_is_stopped_at_the_canary()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 8, _ => new Behaviour { CrashesWhenActive = true }).RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Equal(2, fleet.EverServedCandidate.Count);
        Assert.Equal(8, fleet.Serving(FakeFleet.Baseline).Count());
    }

    [Fact]
    public void One_harmed_device_of_a_census_goes_back_alone()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 8, i => new Behaviour { DisagreementRate = i == 4 ? 0.5 : 0 }).RunToEnd();

        Assert.Equal(RolloutPhase.Completed, fleet.State.Phase);
        Assert.Equal(["orin-4"], fleet.Serving(FakeFleet.Baseline));
        Assert.Equal(DeviceStanding.Harmed, fleet.Class("orin").Devices.Single(d => d.DeviceId == "orin-4").Exit!.Standing);
        Assert.DoesNotContain("orin-4", fleet.EverServedCandidate);
        StoredVerdict why = Assert.Single(fleet.Verdicts, v => v.Verdict.Devices.Any(d => d.Decision == GateDecision.Rollback));
        DeviceVerdict said = Assert.Single(why.Verdict.Devices, d => d.Decision == GateDecision.Rollback);
        Assert.Equal("orin-4", said.DeviceId);
        Assert.StartsWith("harmed on its own pairs: E = ", said.Reason, StringComparison.Ordinal);
        Assert.True(Gate.Recompute(why).Same);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void What_is_done_to_a_device_for_a_broken_invariant_has_its_verdict_also_while_a_person_is_waited_for(bool waits)
    {
        RolloutSpec spec = Rollouts.Staged with
        {
            Stages = [Rollouts.Staged.Stages[0], Rollouts.Staged.Stages[1], Rollouts.Staged.Stages[2] with { Devices = 6, Approval = waits }, Rollouts.Staged.Stages[3]],
        };
        FakeFleet fleet = new FakeFleet(spec, Rollouts.Policy).Add("orin", 8);
        bool bad = false;
        fleet.Log.Stored = row => bad && row.DeviceId == "orin-2" ? row with { Tick = row.Tick with { CandidateNonFinite = 1 } } : row;
        fleet.RunUntil(f => waits ? f.Class("orin").Phase == ClassPhase.AwaitingApproval : f.State.Classes.Count > 0 && f.Class("orin").Stage == 1).Run(1);
        bad = true;
        fleet.RunUntil(f => f.Class("orin").Devices.Any(d => d.Exit is not null));

        Assert.Equal(waits ? ClassPhase.AwaitingApproval : ClassPhase.Running, fleet.Class("orin").Phase);
        DeviceVerdict broken = Assert.Single(Assert.Single(fleet.Verdicts, v => v.Verdict.Devices.Any(d => d.Invariants.Count > 0)).Verdict.Devices, d => d.Invariants.Count > 0);
        Assert.Equal(("orin-2", InvariantKind.NonFinite), (broken.DeviceId, broken.Invariants[0].Kind));
        int stored = fleet.Verdicts.Count(v => v.Verdict.Devices.Any(d => d.Invariants.Count > 0) && v.Verdict.Stage == StageKind.Shadow);
        fleet.Run(2);
        Assert.True(fleet.Verdicts.Count(v => v.Verdict.Devices.Any(d => d.Invariants.Count > 0) && v.Verdict.Stage == StageKind.Shadow) - stored <= 1);
    }

    [Fact]
    public void A_calibration_that_was_not_saved_because_a_person_came_in_between_is_made_again()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 12);
        fleet.RunUntil(f => f.State.Classes.Count > 0 && f.Class("orin").Stage == 1).Run(1);
        RolloutState before = fleet.State;
        Assert.Null(before.Classes[0].Calibration);
        fleet.RunUntil(f => f.Class("orin").Calibration is not null);

        RolloutDecision lost = RolloutReconciler.Decide(before, fleet.World());
        RolloutDecision again = RolloutReconciler.Decide(before, fleet.World());

        Assert.Equal(lost.Next.Classes[0].Calibration!.NoisePairs, again.Next.Classes[0].Calibration!.NoisePairs);
        Assert.Equal(lost.Current[0].HarmLogE, again.Current[0].HarmLogE);
    }

    [Fact]
    public void A_device_that_comes_and_goes_gives_the_same_verdict_once()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy with { Evidence = Rollouts.Policy.Evidence with { CalibrationTicks = 100 } }).Add("orin", 4);
        DateTimeOffset? silentSince = null;
        fleet.Seen = view => view.DeviceId == "orin-2" && silentSince is { } last ? view with { LastSeenAt = last } : view;
        fleet.RunUntil(f => f.State.Classes.Count > 0 && f.Class("orin").Stage == 1).Run(8);
        List<int> stored = [];
        for (int i = 0; i < 4; i++)
        {
            silentSince = fleet.Now;
            fleet.Run(12);
            Assert.Contains(fleet.Last!.Current[0].Missing, m => m is { Code: MissingCodes.DeviceMissing, Subject: "orin-2" });
            silentSince = null;
            fleet.Run(2);
            Assert.DoesNotContain(fleet.Last!.Current[0].Missing, m => m.Code == MissingCodes.DeviceMissing);
            stored.Add(fleet.Verdicts.Count);
        }

        Assert.Contains(fleet.Verdicts, v => v.Verdict.Missing.Any(m => m.Code == MissingCodes.DeviceMissing));
        Assert.Single(stored.Distinct());
    }

    [Fact]
    public void A_class_of_which_no_device_is_left_is_taken_back_with_its_verdict()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 8, i => new Behaviour { RefusesAtBench = i < 7, FailsToFetch = i == 7 }).RunToEnd();

        RolloutEvent back = Assert.Single(fleet.Events, e => e.Kind == "classTakenBack");
        Assert.StartsWith("no device is left", back.Message, StringComparison.Ordinal);
        StoredVerdict why = Assert.Single(fleet.Verdicts, v => v.Verdict.EvaluatedAt == back.At);
        Assert.Equal([DeviceStanding.Refused, DeviceStanding.Failed], why.Verdict.Devices.Select(d => d.Standing).Distinct().Order());
    }

    [Theory, InlineData(HarmResponse.RollbackClass, RolloutPhase.PartlyCompleted), InlineData(HarmResponse.RollbackRollout, RolloutPhase.RolledBack)]
    public void Harm_in_one_class_takes_back_that_class_or_the_whole_rollout_as_the_policy_says(HarmResponse response, RolloutPhase expected)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy with { OnHarm = response })
            .Add("orin", 8)
            .Add("pi", 8, _ => new Behaviour { DisagreementRate = 0.5 })
            .RunToEnd();

        Assert.Equal(expected, fleet.State.Phase);
        Assert.Equal(ClassPhase.RolledBack, fleet.Class("pi").Phase);
        Assert.Equal(response == HarmResponse.RollbackClass ? 8 : 0, fleet.Serving(FakeFleet.Candidate).Count());
    }

    [Fact]
    public void A_class_that_is_done_is_taken_back_with_a_rollout_that_is_not()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy with { OnHarm = HarmResponse.RollbackRollout })
            .Add("orin", 4)
            .Add("pi", 4, _ => new Behaviour { CrashesWhenActive = true, SilentFrom = 2, SilentUntil = 60 })
            .RunUntil(f => f.Class("orin").Phase == ClassPhase.Completed)
            .RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Empty(fleet.Serving(FakeFleet.Candidate));
    }

    [Fact]
    public void A_silent_device_holds_a_census_and_lets_it_go_on_when_it_is_back()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy)
            .Add("orin", 5, i => new Behaviour { SilentFrom = i == 2 ? 5 : int.MaxValue, SilentUntil = 60 })
            .RunUntil(f => f.Steps == 59);

        Assert.Empty(fleet.EverServedCandidate);
        MissingEvidence missing = Assert.Single(fleet.Last!.Current[0].Missing, m => m.Code == MissingCodes.DeviceMissing);
        Assert.Equal("orin-2", missing.Subject);
        Assert.Contains("silent since", missing.Detail, StringComparison.Ordinal);
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void A_stage_without_a_decision_waits_for_a_person_and_never_promotes_itself()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy)
            .Add("orin", 5, i => new Behaviour { SilentFrom = i == 2 ? 5 : int.MaxValue, SilentUntil = 200 })
            .RunUntil(f => f.Class("orin").Phase == ClassPhase.Inconclusive);

        // The device comes back with all that was missing: still nothing moves without a person.
        fleet.RunUntil(f => f.Steps == 260);
        Assert.Equal(ClassPhase.Inconclusive, fleet.Class("orin").Phase);
        Assert.Empty(fleet.EverServedCandidate);

        fleet.Command(OperatorAct.Resume);
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void Harm_is_taken_back_while_a_person_is_waited_for()
    {
        RolloutSpec withApproval = Rollouts.Staged with
        {
            Stages = [.. Rollouts.Staged.Stages.Select(s => s.Kind == StageKind.Full ? s with { Approval = true } : s)],
        };
        bool bad = false;
        FakeFleet fleet = new FakeFleet(withApproval, Rollouts.Policy).Add("orin", 4).RunUntil(f => f.Class("orin").Phase == ClassPhase.AwaitingApproval);
        fleet.Seen = view => bad && view.Deployment is { Phase: DeploymentPhase.Committed } report
            ? view with { Deployment = report with { Phase = DeploymentPhase.FailedRolledBack, Code = "crash-loop", InvariantBroken = true } }
            : view;
        fleet.Run(3);
        Assert.Equal(ClassPhase.AwaitingApproval, fleet.Class("orin").Phase);

        bad = true;
        Assert.Equal(RolloutPhase.RolledBack, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void An_approval_lets_the_class_that_waits_go_on()
    {
        RolloutSpec withApproval = Rollouts.Staged with
        {
            Stages = [.. Rollouts.Staged.Stages.Select(s => s.Kind == StageKind.Canary ? s with { Approval = true } : s)],
        };
        FakeFleet fleet = new FakeFleet(withApproval, Rollouts.Policy).Add("orin", 4).Add("pi", 4)
            .RunUntil(f => f.State.Classes.All(c => c.Phase == ClassPhase.AwaitingApproval));
        Assert.Empty(fleet.EverServedCandidate);

        fleet.Command(OperatorAct.Approve, "pi");
        fleet.RunUntil(f => f.Class("pi").Phase == ClassPhase.Completed);
        Assert.Equal(ClassPhase.AwaitingApproval, fleet.Class("orin").Phase);
        Assert.All(fleet.EverServedCandidate, id => Assert.StartsWith("pi", id, StringComparison.Ordinal));

        fleet.Command(OperatorAct.Approve);
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void A_first_stage_that_needs_an_approval_begins_with_it_and_not_before()
    {
        RolloutSpec withApproval = Rollouts.Staged with { Stages = [Rollouts.Staged.Stages[0] with { Approval = true }, .. Rollouts.Staged.Stages.Skip(1)] };
        FakeFleet fleet = new FakeFleet(withApproval, Rollouts.Policy).Add("orin", 4).Add("pi", 4).Run(50);
        Assert.All(fleet.State.Classes, c => Assert.Equal((ClassPhase.AwaitingApproval, 0), (c.Phase, c.Devices.Count(d => d.Stage >= 0))));
        Assert.Empty(fleet.Verdicts);

        fleet.Command(OperatorAct.Approve, "pi");
        fleet.RunUntil(f => f.Class("pi").Phase == ClassPhase.Completed);
        Assert.Equal(0, fleet.Class("orin").Devices.Count(d => d.Stage >= 0));

        fleet.Command(OperatorAct.Abort);
        Assert.Equal(RolloutPhase.Aborted, fleet.RunToEnd().State.Phase);
        Assert.All(fleet.EverServedCandidate, id => Assert.StartsWith("pi", id, StringComparison.Ordinal));
    }

    [Fact]
    public void A_retrained_model_is_not_stopped_for_answering_differently()
    {
        RolloutSpec improvement = Rollouts.Staged with
        {
            Compare = CompareMode.Improvement,
            Stages = [.. Rollouts.Staged.Stages.Select(s => s.Kind == StageKind.Canary ? s with { Approval = true } : s)],
        };
        FakeFleet fleet = new FakeFleet(improvement, Rollouts.Policy).Add("orin", 8, _ => new Behaviour { DisagreementRate = 0.3 })
            .RunUntil(f => f.Class("orin").Phase == ClassPhase.AwaitingApproval);
        MetricVerdict disagreement = fleet.Verdicts.Last(v => v.Verdict.Stage == StageKind.Shadow).Verdict.Metrics.Single(m => m.Metric == GateMetric.Disagreement);
        Assert.Equal(MetricState.Informational, disagreement.State);
        Assert.InRange(disagreement.Estimate!.Value, 25, 35);

        fleet.Command(OperatorAct.Approve);
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void A_pause_begins_nothing_new_and_still_takes_harm_back()
    {
        FakeFleet good = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).Run(3);
        good.Command(OperatorAct.Pause);
        good.Run(100);
        Assert.Equal(1, good.Class("orin").Stage);
        Assert.Empty(good.EverServedCandidate);
        good.Command(OperatorAct.Resume);
        Assert.Equal(RolloutPhase.Completed, good.RunToEnd().State.Phase);

        FakeFleet bad = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4, _ => new Behaviour { DisagreementRate = 0.5 }).Run(3);
        bad.Command(OperatorAct.Pause);
        Assert.Equal(RolloutPhase.RolledBack, bad.RunToEnd().State.Phase);
    }

    [Fact]
    public void An_abort_at_any_step_ends_with_every_device_on_what_it_served_before()
    {
        int steps = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 3).RunToEnd().Steps;
        for (int abortAt = 0; abortAt < steps; abortAt++)
        {
            FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 3).Run(abortAt);
            if (!StageTransitions.IsEnd(fleet.State.Phase))
            {
                fleet.Command(OperatorAct.Abort);
                fleet.RunToEnd();
                Assert.Equal(RolloutPhase.Aborted, fleet.State.Phase);
                Assert.Equal(3, fleet.Run(3).Serving(FakeFleet.Baseline).Count());
            }
        }
    }

    [Fact]
    public void An_aborted_install_names_the_devices_that_keep_it_because_they_had_nothing_before()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Rollouts.Policy, provisioned: false).Add("orin", 4, i => new Behaviour { FailsToFetch = i == 3 })
            .Add("pi", 2, _ => new Behaviour { FailsToFetch = true })
            .RunUntil(f => f.Serving(FakeFleet.Candidate).Count() == 3);
        fleet.Command(OperatorAct.Abort);
        fleet.RunToEnd();

        Assert.Equal(RolloutPhase.Aborted, fleet.State.Phase);
        Assert.Equal((ClassPhase.PartlyCompleted, ClassPhase.RolledBack), (fleet.Class("orin").Phase, fleet.Class("pi").Phase));
        Assert.StartsWith("3 of 4 device(s) keep it, having no model of before to go back to: ", fleet.Class("orin").Reason, StringComparison.Ordinal);
        Assert.All(fleet.Serving(FakeFleet.Candidate), id => Assert.Contains(id, fleet.State.Reason, StringComparison.Ordinal));
        Assert.StartsWith("every device that can be reached is back", fleet.Class("pi").Reason, StringComparison.Ordinal);
        Assert.Empty(fleet.Last!.Assignments);
    }

    [Theory, InlineData(1, false), InlineData(4, false), InlineData(8, false), InlineData(30, false), InlineData(1, true), InlineData(8, true)]
    public void A_candidate_that_does_not_load_ends_the_class_without_a_person(int devices, bool install)
    {
        FakeFleet fleet = new FakeFleet(install ? Rollouts.Install : Rollouts.Staged, Rollouts.Policy, provisioned: !install)
            .Add("orin", devices, _ => new Behaviour { DoesNotLoad = true }).RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Contains("does-not-load", fleet.State.Reason, StringComparison.Ordinal);
        Assert.Equal(InvariantKind.DoesNotLoad, Assert.Single(fleet.Class("orin").Devices, d => d.Exit is not null).Exit!.Invariants[0].Kind);
    }

    [Fact]
    public void One_device_on_which_it_does_not_load_is_left_alone_in_a_cohort_of_five_or_more()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged with { Stages = [new StageSpec { Kind = StageKind.Bench, Devices = 6 }, .. Rollouts.Staged.Stages.Skip(1)] }, Rollouts.Policy)
            .Add("orin", 8, i => new Behaviour { DoesNotLoad = i == 2 }).RunUntil(f => f.EverServedCandidate.Count > 0);

        Assert.Equal(DeviceStanding.Failed, fleet.Class("orin").Devices.Single(d => d.DeviceId == "orin-2").Exit!.Standing);
    }

    [Fact]
    public void A_command_for_one_class_is_taken_up_by_the_next_decision_even_where_nothing_else_moved()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 3).Add("pi", 3).RunUntil(f => f.EverServedCandidate.Count(id => id.StartsWith("pi", StringComparison.Ordinal)) == 2);
        CommandResult aborted = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Abort, HardwareClass = "pi", At = fleet.Now });

        RolloutDecision decision = RolloutReconciler.Decide(aborted.State, fleet.World());
        Assert.True(decision.Changed);
        Assert.All(decision.Goals.Where(g => g.DeviceId.StartsWith("pi", StringComparison.Ordinal)), g => Assert.Equal(FakeFleet.Baseline, g.Desired!.Digest));

        fleet.State = aborted.State;
        Assert.Equal(RolloutPhase.PartlyCompleted, fleet.RunToEnd().State.Phase);
        Assert.Equal(3, fleet.Serving(FakeFleet.Candidate).Count());
    }

    [Theory, InlineData("crash-loop", true, ClassPhase.RolledBack), InlineData("something-new", false, ClassPhase.RolledBack), InlineData("runner-away", false, ClassPhase.Inconclusive)]
    public void A_device_that_took_the_candidate_back_counts_against_it_unless_it_blames_its_surroundings(string code, bool invariant, ClassPhase expected)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Rollouts.Policy, provisioned: false).Add("orin", 4);
        fleet.Seen = view => view.DeviceId == "orin-2" && view.Deployment is { } report
            ? view with { Deployment = report with { Phase = DeploymentPhase.FailedRolledBack, Code = code, InvariantBroken = invariant } }
            : view;
        fleet.RunUntil(f => f.State.Classes.Count > 0 && f.Class("orin").Phase is ClassPhase.RolledBack or ClassPhase.Inconclusive);

        Assert.Equal(expected, fleet.Class("orin").Phase);
    }

    [Fact]
    public void A_command_that_has_happened_already_changes_nothing_and_says_so()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 3).Run(2);
        fleet.Command(OperatorAct.Abort);

        fleet.Command(OperatorAct.Abort);

        CommandResult again = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Abort, At = fleet.Now });
        CommandResult approve = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Approve, At = fleet.Now });
        Assert.Contains("rollout 'int8'", approve.Message, StringComparison.Ordinal);
        fleet.State = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Pause, At = fleet.Now }).State;
        Assert.Equal("rollout 'int8' is paused already", RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Pause, At = fleet.Now }).Message);
        CommandResult foreign = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Pause, HardwareClass = "tpu", At = fleet.Now });

        Assert.False(again.Changed);
        Assert.False(approve.Changed);
        Assert.Contains("'tpu'", foreign.Message, StringComparison.Ordinal);
        fleet.RunToEnd();
        Assert.Contains("is over", RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Pause, At = fleet.Now }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rollback_waits_for_devices_that_are_heard_and_names_those_off_line()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).RunUntil(f => f.EverServedCandidate.Count == 2);
        string gone = fleet.EverServedCandidate.First();
        DateTimeOffset last = fleet.Now;
        fleet.Seen = view => view.DeviceId == gone ? view with { Active = FakeFleet.Candidate, LastSeenAt = last } : view;
        fleet.Command(OperatorAct.Abort);
        fleet.Run(3);
        Assert.Equal(RolloutPhase.RollingBack, fleet.State.Phase);

        fleet.RunToEnd();
        Assert.Equal(RolloutPhase.Aborted, fleet.State.Phase);
        Assert.Contains($"off line and told to follow: {gone}", fleet.Class("orin").Reason, StringComparison.Ordinal);
        DeviceGoal told = fleet.Last!.Goals.Single(g => g.DeviceId == gone);
        Assert.Equal((FakeFleet.Baseline, DesiredReason.Rollback), (told.Desired!.Digest, told.Desired.Reason));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_device_that_does_not_go_back_is_not_waited_for_beyond_its_time_nor_once_a_person_says_so(bool person)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).RunUntil(f => f.EverServedCandidate.Count == 2);
        string stays = fleet.EverServedCandidate.First();
        fleet.Seen = view => view.DeviceId == stays ? view with { Active = FakeFleet.Candidate } : view;
        DateTimeOffset aborted = fleet.Now;
        fleet.Command(OperatorAct.Abort);
        fleet.Run(20);
        Assert.Equal(RolloutPhase.RollingBack, fleet.State.Phase);
        if (person)
        {
            fleet.Command(OperatorAct.Abort);
        }

        fleet.RunToEnd();

        TimeSpan limit = TimeSpan.FromSeconds(Rollouts.Policy.Limits.DeviceSeconds);
        Assert.Equal((RolloutPhase.Aborted, !person), (fleet.State.Phase, fleet.Now - aborted > limit));
        Assert.Contains($"told to go back and not back yet: {stays} ('edgefleet rollback fashion --from {FakeFleet.Candidate}'", fleet.Class("orin").Reason, StringComparison.Ordinal);
        Assert.Equal((FakeFleet.Baseline, DesiredReason.Rollback), (fleet.Last!.Goals.Single(g => g.DeviceId == stays).Desired!.Digest, fleet.Last.Goals.Single(g => g.DeviceId == stays).Desired!.Reason));
    }

    [Fact]
    public void Full_completes_at_the_stated_share_and_the_assignment_carries_the_rest()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged with { CompletionPercent = 90 }, Rollouts.Policy with { Limits = Rollouts.Policy.Limits with { MissingPercent = 10 } })
            .Add("orin", 40, i => new Behaviour { SilentFrom = i == 17 ? 28 : int.MaxValue })
            .RunToEnd();

        Assert.Equal(RolloutPhase.Completed, fleet.State.Phase);
        Assert.InRange(fleet.Serving(FakeFleet.Candidate).Count(), 36, 40);
        Assert.Equal(FakeFleet.Candidate, Assert.Single(fleet.Last!.Assignments).Digest);
    }

    [Fact]
    public void Failed_downloads_are_no_broken_invariant_but_keep_a_rollout_from_completing()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Rollouts.Policy, provisioned: false)
            .Add("orin", 4, i => new Behaviour { FailsToFetch = i == 3 })
            .RunUntil(f => f.Class("orin").Phase == ClassPhase.Inconclusive);

        Assert.Equal(3, fleet.Serving(FakeFleet.Candidate).Count());
        Assert.Contains(fleet.Last!.Current[0].Missing, m => m.Code == MissingCodes.DeviceFailed && m.Subject == "orin-3");

        fleet.Command(OperatorAct.Approve);
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void A_candidate_that_no_device_can_fetch_does_not_walk_through_the_class()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Rollouts.Policy, provisioned: false)
            .Add("orin", 8, _ => new Behaviour { FailsToFetch = true })
            .RunUntil(f => f.Class("orin").Phase == ClassPhase.Inconclusive);

        Assert.Equal(1, fleet.Class("orin").Devices.Count(d => d.Stage >= 0));
    }
}
