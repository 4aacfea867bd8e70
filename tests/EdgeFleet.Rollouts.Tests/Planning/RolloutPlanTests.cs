using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;
using EdgeFleet.Rollouts.Tests.Gating;
using EdgeFleet.Rollouts.Tests.Stages;
using TestRollouts = EdgeFleet.Rollouts.Tests.Stages.Rollouts;

namespace EdgeFleet.Rollouts.Tests.Planning;

public sealed class RolloutPlanTests
{
    [Fact]
    public void It_says_before_the_start_how_many_devices_and_how_much_time_each_class_needs()
    {
        IReadOnlyList<ClassPlan> plan = RolloutPlan.Of(TestRollouts.Staged, new PolicySpec(), [Class("orin", 100), Class("pi", 4)]);

        Assert.Equal((VerdictKind.Statistical, 19), (plan[0].Kind, plan[0].LeastObservations));
        Assert.Equal((VerdictKind.Census, 21), (plan[1].Kind, plan[1].LeastObservations));
        Assert.Equal([1, 30, 2, 100], plan[0].Stages.Select(s => s.Devices));
        Assert.Equal([1, 4, 2, 4], plan[1].Stages.Select(s => s.Devices));
        Assert.Equal(
            "4 device(s), census: each device needs at least 21 windows of 50 pairs and 7 ticks, and the verdict claims nothing beyond these devices; a perfect candidate is 2 h in the shadow or longer, 7 d 4 h or longer until the last stage is over",
            plan[1].Sentence);
        Assert.All(plan, c => Assert.Null(c.Complaint));
        Assert.Equal(["17 s", "2 h", "7 d", "1 h"], plan[0].Stages.Select(s => HumanTime.Say(s.Least)));
        Assert.Equal("soak; the evidence needs 12 min of it", plan[0].Stages[1].Because);
        Assert.Equal("soak; the evidence needs 25 min of it", plan[1].Stages[1].Because);
        Assert.Contains(plan[0].Notes, n => n.StartsWith("1 pairs/s a device is assumed: 20 inferences/s or more on each (5 % are sampled)", StringComparison.Ordinal));
        Assert.Contains(plan[0].Notes, n => n.StartsWith("latency noise below 2.5 % a tick is assumed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(12, 12, null)]
    [InlineData(12, 9, "the shadow stage takes 9 device(s) of class orin, but even perfect ones promote from 10 on; raise shadow.devices")]
    public void A_class_that_can_never_promote_is_named(int classSize, int shadowDevices, string? expected)
    {
        ClassPlan plan = Assert.Single(RolloutPlan.Of(Shadowing(shadowDevices), new PolicySpec(), [Class("orin", classSize)]));

        Assert.Equal(expected, plan.Complaint);
    }

    [Fact]
    public void A_shadow_that_its_time_limit_ends_before_it_can_say_anything_is_named()
    {
        PolicySpec policy = new() { Limits = new LimitsSpec { StageSeconds = 1000 }, Soak = new SoakSpec { ShadowSeconds = 0, CanarySeconds = 0, RampSeconds = 0 }, Evidence = new EvidenceSpec { MaximumPairsPerSecond = 0.1 } };

        Assert.Equal(
            "the shadow of class orin takes 1 h 33 min at least, and limits.stageSeconds ends it after 16 min 40 s",
            Assert.Single(RolloutPlan.Of(TestRollouts.Staged, policy, [Class("orin", 40)])).Complaint);
    }

    [Fact]
    public void The_plan_of_a_perfect_candidate_is_kept_by_the_gate()
    {
        ClassPlan plan = Assert.Single(RolloutPlan.Of(TestRollouts.Staged, TestRollouts.Policy, [Class("orin", 40)]));
        FakeFleet fleet = new FakeFleet(TestRollouts.Staged, TestRollouts.Policy).Add("orin", 40).RunToEnd();
        StoredVerdict promoted = fleet.Verdicts.First(v => v.Verdict is { Stage: StageKind.Shadow, Decision: GateDecision.Promote });

        Assert.True(promoted.Verdict.Metrics[0].PromotionObservations >= plan.LeastObservations);
    }

    // What the plan says of a candidate is what the gate makes of devices that behave so: one fewer holds, so many promote.
    [Theory]
    [InlineData(0.0, 0.0, 40), InlineData(0.0, 0.0, 100), InlineData(1.0, 0.024692612590371522, 100), InlineData(0.0, -1.0, 25), InlineData(1.0, 0.024692612590371522, 400)]
    public void With_as_many_devices_as_the_plan_says_the_gate_is_sure_and_with_one_fewer_it_is_not(double disagreementPercent, double logLatencyRatio, int classSize)
    {
        ClassPlan plan = Assert.Single(RolloutPlan.Of(TestRollouts.Staged, new PolicySpec(), [Class("orin", classSize)]));
        foreach (MetricPlan metric in plan.Metrics)
        {
            int? planned = metric.Metric == GateMetric.Disagreement
                ? (disagreementPercent > 0 ? metric.HalfMargin : metric.Perfect)
                : (logLatencyRatio > 0 ? metric.HalfMargin : logLatencyRatio < 0 ? metric.Perfect : metric.AsBaseline);
            Assert.NotNull(planned);
            foreach ((int devices, MetricState expected) in new[] { (planned.Value - 1, MetricState.LacksEvidence), (planned.Value, MetricState.Promotes) })
            {
                MetricVerdict judged = Judge(devices, classSize, disagreementPercent, logLatencyRatio).Metrics.Single(m => m.Metric == metric.Metric);
                Assert.True(expected == judged.State, $"{metric.Metric}: {devices} of the planned {planned}: {judged.State}, log E {judged.PromotionLogE}");
            }
        }
    }

    [Theory, InlineData(0, 40), InlineData(0, 300), InlineData(-1, 60)]
    public void So_it_is_for_labels_that_come_later(int lostMargins, int classSize)
    {
        PolicySpec policy = new() { Guardrails = new GuardrailsSpec { Disagreement = false, LatencyP50 = false, Accuracy = true } };
        MetricPlan metric = Assert.Single(Assert.Single(RolloutPlan.Of(TestRollouts.Staged, policy, [Class("orin", classSize)])).Metrics);
        Assert.Equal((GateMetric.Accuracy, "labelled rows"), (metric.Metric, metric.SizeUnit));
        int planned = (lostMargins < 0 ? metric.Perfect : metric.AsBaseline)!.Value;
        GateMargins margins = GateMargins.Freeze(TestRollouts.Staged, policy);
        int gained = lostMargins < 0 ? (int)metric.Size / 2 : 0;

        foreach ((int devices, MetricState expected) in new[] { (planned - 1, MetricState.LacksEvidence), (planned, MetricState.Promotes) })
        {
            GateInput input = Gates.Input(
                Gates.Devices(devices, i => Gates.Device(i) with { Ticks = [new GateTick { Tick = 1, Pairs = 1, Labels = new LabelPairs((int)metric.Size, 0, gained, 0, 0) }] }), classSize, margins);
            Assert.Equal(expected, Gate.Evaluate(input).Metrics.Single(m => m.Metric == GateMetric.Accuracy).State);
        }
    }

    [Fact]
    public void Slow_requests_ask_for_more_pairs_and_labels_for_time_that_nobody_knows()
    {
        PolicySpec policy = new() { Guardrails = new GuardrailsSpec { LatencyP95 = true, LatencyP99 = true, Accuracy = true } };
        IReadOnlyList<ClassPlan> plan = RolloutPlan.Of(TestRollouts.Staged, policy, [Class("orin", 100), Class("pi", 4)]);

        Assert.Contains("devices of 100 must speak with 1000 pairs and 500 labelled rows each", plan[0].Sentence, StringComparison.Ordinal);
        Assert.Contains(plan[0].Notes, n => n.StartsWith("accuracy: waits for labelled rows", StringComparison.Ordinal));
        Assert.Equal(["21 windows of 50 pairs", "7 ticks", "7 windows of 200 pairs", "7 windows of 1000 pairs"],
            plan[1].Metrics.Take(4).Select(m => $"{m.Perfect} {(m.SizeUnit == "tick" ? "ticks" : $"windows of {m.Size} {m.SizeUnit}")}"));
        Assert.All(plan.SelectMany(c => c.Metrics), m => Assert.True(m.Perfect <= m.AsBaseline && !(m.HalfMargin < m.AsBaseline), $"{m}"));
    }

    [Fact]
    public void What_an_earlier_rollout_measured_takes_the_place_of_what_is_assumed()
    {
        FakeFleet earlier = new FakeFleet(TestRollouts.Staged, TestRollouts.Policy).Add("orin", 40).RunToEnd();
        GateVerdict shadow = earlier.Verdicts.Last(v => v.Verdict.Stage == StageKind.Shadow).Verdict;
        ClassExperience measured = ClassExperience.Of(earlier.State, "orin", shadow)!;
        Assert.Equal(FakeFleet.PairsPerTick, measured.PairsPerSecond!.Value, 1.0);

        Dictionary<string, ClassExperience> known = new() { ["orin"] = new ClassExperience("r3", 0.10, 0.25) };
        ClassPlan assumed = Plan(null), told = Plan(known);
        Assert.Contains("0.25 pairs/s a device, as measured in r3", told.Notes);
        Assert.Contains("latency noise of 10 % a tick, as measured in r3", told.Notes);
        // A wider range: the same ratio says less, so more devices are needed; and slower pairs take longer.
        Assert.True(told.Metrics[1].AsBaseline > assumed.Metrics[1].AsBaseline);
        Assert.Equal(assumed.Metrics[0], told.Metrics[0]);
        Assert.Equal("soak; the evidence needs 38 min of it", told.Stages[1].Because);
        // What nobody has measured yet stays assumed, and nobody's devices make more pairs than the policy lets them.
        Assert.Equal(assumed.Notes, Plan(new() { ["pi"] = known["orin"] }).Notes);
        Assert.Equal(assumed.Stages[1].Because, Plan(new() { ["orin"] = new ClassExperience("r3", null, 60) }).Stages[1].Because);

        static ClassPlan Plan(Dictionary<string, ClassExperience>? experience) =>
            Assert.Single(RolloutPlan.Of(TestRollouts.Staged, new PolicySpec(), [Class("orin", 100)], experience));
    }

    [Fact]
    public void A_margin_that_only_a_better_candidate_can_meet_is_told()
    {
        PolicySpec policy = new() { Margins = new MarginsSpec { LatencyP50Percent = 0 } };
        ClassPlan plan = Assert.Single(RolloutPlan.Of(TestRollouts.Staged, policy, [Class("orin", 100)]));

        Assert.Null(plan.Metrics[1].AsBaseline);
        Assert.Null(plan.Complaint);
        Assert.Contains(plan.Notes, n => n.StartsWith("latencyP50: a candidate no better than the baseline would need more than all devices and 30 shadow", StringComparison.Ordinal));
    }

    [Theory, InlineData(4), InlineData(12), InlineData(40)]
    public void The_devices_that_it_names_for_a_stage_are_those_that_the_stage_takes(int devices)
    {
        RolloutSpec spec = TestRollouts.Staged with
        {
            Stages = [TestRollouts.Staged.Stages[0], TestRollouts.Staged.Stages[1], new StageSpec { Kind = StageKind.Canary, Percent = 5 }, new StageSpec { Kind = StageKind.Ramp, Percent = 50 }, new StageSpec { Kind = StageKind.Full }],
        };
        FakeFleet fleet = new FakeFleet(spec, TestRollouts.Policy).Add("orin", devices);
        ClassPlan plan = Assert.Single(RolloutPreview.Of(fleet.State, fleet.World()).Classes);
        Assert.Null(plan.Stages[^1].DeviceIds);
        for (int stage = 0; stage < 4; stage++)
        {
            fleet.RunUntil(f => f.State.Classes.Count > 0 && f.Class("orin").Stage == stage && f.Class("orin").Devices.Any(d => d.Stage == stage));
            Assert.Equal(plan.Stages[stage].DeviceIds!.Order(), fleet.Class("orin").Devices.Where(d => d.Stage == stage).Select(d => d.DeviceId).Order());

            // And of one that runs, for the stages that are not over.
            ClassPlan again = Assert.Single(RolloutPlan.Of(spec, TestRollouts.Policy, fleet.State.Classes, offLine: new HashSet<string>()));
            Assert.Equal(plan.Stages.Select((s, i) => i < stage ? null : s.DeviceIds?.Order()), again.Stages.Select(s => s.DeviceIds?.Order()));
        }
    }

    [Theory]
    [InlineData(0, "0 s"), InlineData(0.2, "1 s"), InlineData(45, "45 s"), InlineData(60, "1 min"), InlineData(61, "1 min 1 s"), InlineData(3600, "1 h"), InlineData(3601, "1 h 1 min")]
    [InlineData(7200, "2 h"), InlineData(86_399, "24 h"), InlineData(86_400, "1 d"), InlineData(604_800, "7 d"), InlineData(615_600, "7 d 3 h"), InlineData(604_801, "7 d 1 h")]
    public void Times_are_told_in_two_units_and_never_too_short(double seconds, string expected) => Assert.Equal(expected, HumanTime.Say(TimeSpan.FromSeconds(seconds)));

    private static RolloutSpec Shadowing(int devices) => TestRollouts.Staged with
    {
        Stages = [.. TestRollouts.Staged.Stages.Select(s => s.Kind == StageKind.Shadow ? s with { Devices = devices } : s)],
    };

    private static GateVerdict Judge(int devices, int classSize, double disagreementPercent, double logLatencyRatio) => Gate.Evaluate(Gates.Input(
        Gates.Devices(devices, i => Gates.Device(i, 1, 500, (int)(5 * disagreementPercent), logLatencyRatio)), classSize));

    private static ClassProgress Class(string hardwareClass, int devices) => new()
    {
        HardwareClass = hardwareClass,
        StageStartedAt = FakeFleet.Start,
        Devices = [.. Enumerable.Range(0, devices).Select(i => new DeviceProgress { DeviceId = $"{hardwareClass}-{i}" })],
    };
}
