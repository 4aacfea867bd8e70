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
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(8), InlineData(30)]
    public void A_candidate_that_answers_differently_is_stopped_before_any_device_serves_it(int devices)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", devices, _ => new Behaviour { DisagreementRate = 0.5 }).RunToEnd();

        Assert.Equal(RolloutPhase.RolledBack, fleet.State.Phase);
        Assert.Empty(fleet.EverServedCandidate);
        Assert.Contains(fleet.Verdicts, v => v.Verdict.Decision == GateDecision.Rollback && v.Verdict.Kind != VerdictKind.Invariant);
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
    }
}
