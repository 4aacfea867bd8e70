using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

public sealed class RolloutPlanTests
{
    [Fact]
    public void It_says_before_the_start_how_many_devices_and_how_much_time_each_class_needs()
    {
        IReadOnlyList<ClassPlan> plan = RolloutPlan.Of(Rollouts.Staged, new PolicySpec(), [Class("orin", 100), Class("pi", 4)]);

        Assert.Equal((VerdictKind.Statistical, 19), (plan[0].Kind, plan[0].LeastObservations));
        Assert.Equal((VerdictKind.Census, 21), (plan[1].Kind, plan[1].LeastObservations));
        Assert.Equal([1, 30, 2, 100], plan[0].Stages.Select(s => s.Devices));
        Assert.Equal([1, 4, 2, 4], plan[1].Stages.Select(s => s.Devices));
        Assert.Equal("4 device(s), census: each device needs at least 21 windows of 50 pairs; a perfect candidate is 120 min in the shadow or longer", plan[1].Sentence);
        Assert.All(plan, c => Assert.Null(c.Complaint));
    }

    [Theory, InlineData(12, null), InlineData(9, "the shadow stage takes 9 device(s) of class orin, but even perfect ones promote from 10 on; raise shadow.devices")]
    public void A_shadow_cohort_that_can_never_promote_is_named(int shadowDevices, string? expected)
    {
        RolloutSpec spec = Rollouts.Staged with { Stages = [.. Rollouts.Staged.Stages.Select(s => s.Kind == StageKind.Shadow ? s with { Devices = shadowDevices } : s)] };

        Assert.Equal(expected, Assert.Single(RolloutPlan.Of(spec, new PolicySpec(), [Class("orin", 12)])).Complaint);
    }

    [Fact]
    public void The_plan_of_a_perfect_candidate_is_kept_by_the_gate()
    {
        ClassPlan plan = Assert.Single(RolloutPlan.Of(Rollouts.Staged, Rollouts.Policy, [Class("orin", 40)]));
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 40).RunToEnd();
        StoredVerdict promoted = fleet.Verdicts.First(v => v.Verdict is { Stage: StageKind.Shadow, Decision: GateDecision.Promote });

        Assert.True(promoted.Verdict.Metrics[0].PromotionObservations >= plan.LeastObservations);
    }

    private static ClassProgress Class(string hardwareClass, int devices) => new()
    {
        HardwareClass = hardwareClass,
        StageStartedAt = FakeFleet.Start,
        Devices = [.. Enumerable.Range(0, devices).Select(i => new DeviceProgress { DeviceId = $"{hardwareClass}-{i}" })],
    };
}
