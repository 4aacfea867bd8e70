using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Devices;
using EdgeFleet.Core.Evidence;
using Google.Protobuf;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Protocol.Tests;

public sealed class DesiredMappingTests
{
    public static TheoryData<DeploymentGoal, DesiredReason> GoalsAndReasons()
    {
        TheoryData<DeploymentGoal, DesiredReason> all = [];
        foreach (DeploymentGoal goal in Enum.GetValues<DeploymentGoal>())
        {
            foreach (DesiredReason reason in Enum.GetValues<DesiredReason>())
            {
                all.Add(goal, reason);
            }
        }
        return all;
    }

    [Theory, MemberData(nameof(GoalsAndReasons))]
    public void A_desired_state_comes_back_from_the_wire_as_it_was(DeploymentGoal goal, DesiredReason reason)
    {
        DesiredDeployment desired = new()
        {
            Model = "fashion",
            Digest = Digest.Of("x"u8),
            Goal = goal,
            Reason = reason,
            RolloutId = "r1",
            Attempt = 3,
            Epoch = 7,
            Deadline = new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero),
            Plan = new TrialPlan
            {
                Install = true, AgreementGates = false, BenchBlocks = 1, BenchFull = true, BenchBlockMs = 2, BenchWarmUpMs = 3, BenchLatencyMargin = 0.4, BenchMemoryMargin = 0.5, BenchEnergyMargin = 0,
                ShadowTickMs = 6, ShadowSamplingShare = 0.7, ShadowNoiseShare = 0.8, ShadowMaxPerSecond = 9, ShadowTaxBudget = 0.3, ShadowLatencyP95Margin = 0.2, ShadowLatencyP99Margin = 0,
                ShadowSlices = SliceList.Of([("site", ["hall", "lab"]), ("camera", ["front"])]), WorkerMemoryBytes = 10, ProbationSeconds = 11,
                Maintenance = MaintenanceWindows.Of(["mon-fri 02:00-05:00", "sat 22:00-04:00"], utc: true, downloads: true), ProbationMaxFailures = 12, ServePercent = 5,
            },
        };
        DesiredState state = new(42, 7, new Dictionary<string, DesiredDeployment> { ["fashion"] = desired });

        DesiredState back = DesiredMapping.ToCore(Wire.DesiredState.Parser.ParseFrom(DesiredMapping.ToWire(state).ToByteArray()));

        Assert.Equal((42L, 7L), (back.Generation, back.Epoch));
        Assert.Equal(desired, Assert.Single(back.Models).Value);
    }

    [Fact]
    public void A_plan_of_an_older_controller_has_the_margins_of_the_default_policy_and_no_slices()
    {
        Wire.DesiredState wire = new();
        wire.Models["fashion"] = new Wire.DesiredDeployment { Digest = Digest.Of("x"u8).ToString(), Goal = Wire.Goal.Shadowing, Reason = Wire.Reason.Rollout, Plan = new Wire.TrialPlan() };
        TrialPlan plan = DesiredMapping.ToCore(wire).Models["fashion"].Plan;
        Assert.Equal((0.10, 0.15, SliceList.None), (plan.ShadowLatencyP95Margin, plan.ShadowLatencyP99Margin, plan.ShadowSlices));
    }

    [Fact]
    public void A_window_that_this_build_cannot_read_is_refused_and_named()
    {
        Wire.DesiredState wire = new();
        wire.Models["fashion"] = new Wire.DesiredDeployment
        {
            Digest = Digest.Of("x"u8).ToString(), Goal = Wire.Goal.Active, Reason = Wire.Reason.Rollout, Plan = new Wire.TrialPlan { MaintenanceWindows = { "every night" } },
        };
        string error = Assert.Throws<FormatException>(() => DesiredMapping.ToCore(wire)).Message;
        Assert.Contains("model 'fashion': plan: maintenance_windows: 'every night' is no window", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_goal_that_this_build_does_not_know_is_refused_and_named()
    {
        Wire.DesiredState wire = new();
        wire.Models["fashion"] = new Wire.DesiredDeployment { Digest = Digest.Of("x"u8).ToString(), Goal = (Wire.Goal)99, Reason = Wire.Reason.Rollout };
        Assert.Contains("goal 99", Assert.Throws<FormatException>(() => DesiredMapping.ToCore(wire)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_that_was_not_set_is_refused_and_never_read_as_the_first_value()
    {
        Wire.DesiredState wire = new();
        wire.Models["fashion"] = new Wire.DesiredDeployment { Digest = Digest.Of("x"u8).ToString() };
        Assert.Throws<FormatException>(() => DesiredMapping.ToCore(wire));
    }

    [Fact]
    public void Every_phase_has_its_own_number_and_comes_back()
    {
        DeploymentPhase[] phases = Enum.GetValues<DeploymentPhase>();
        Assert.Equal(phases, phases.Select(phase => PhaseMapping.ToCore(PhaseMapping.ToWire(phase))));
        Assert.All(phases, phase => Assert.Equal(phase.ToString(), PhaseMapping.ToWire(phase).ToString()));
        Assert.Throws<FormatException>(() => PhaseMapping.ToCore(Wire.Phase.Unspecified));
    }

    [Fact]
    public void Facts_come_back_as_they_were()
    {
        HardwareFacts facts = new("x64", 24320, "default", "onnxruntime-1.29.0", "cpu", 2);
        Assert.Equal(facts, DesiredMapping.ToCore(DesiredMapping.ToWire(facts)));
    }
}
