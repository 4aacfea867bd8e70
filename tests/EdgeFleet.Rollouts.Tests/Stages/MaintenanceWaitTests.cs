using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Devices that may not begin yet, in the eyes of their rollout.</summary>
public sealed class MaintenanceWaitTests
{
    private const string Detail = "waits for its maintenance window (daily 02:00-05:00); the next one opens Mon 2026-11-23 02:00Z";

    [Fact]
    public void The_wait_for_a_window_is_no_part_of_the_time_that_a_device_has()
    {
        int opens = int.MaxValue;
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Policy(deviceSeconds: 20), provisioned: false).Add("orin", 3);
        fleet.Seen = view => view.DeviceId == "orin-1" && fleet.Steps < opens && view.Deployment is { } report
            ? view with { Active = null, Deployment = report with { Phase = DeploymentPhase.Staged, Code = "waits-for-window", Detail = Detail } }
            : view.DeviceId == "orin-1" && fleet.Steps < opens + 15 && view.Deployment is { } beginning
                ? view with { Active = null, Deployment = beginning with { Phase = DeploymentPhase.Activating } }
                : view;
        fleet.Run(120);
        // Many times its limit later it is at work, and says for what.
        GateDevice waiting = Device(fleet);
        Assert.Equal((DeviceStanding.Working, $"Staged: waits-for-window: {Detail}"), (waiting.Standing, waiting.StandingReason));

        opens = fleet.Steps;
        for (int i = 0; i < 15; i++)
        {
            fleet.Run(1);
            Assert.NotEqual(DeviceStanding.Missing, Device(fleet).Standing);
        }
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
    }

    [Fact]
    public void A_device_that_waits_for_its_application_has_no_more_time_than_others_and_its_reason_stays_seen()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Install, Policy(deviceSeconds: 20), provisioned: false).Add("orin", 3);
        fleet.Seen = view => view.DeviceId == "orin-1" && view.Deployment is { } report
            ? view with { Active = null, Deployment = report with { Phase = DeploymentPhase.Staged, Code = "waits-for-application", Detail = "waits for the application's busy lock" } }
            : view;
        fleet.Run(120);

        GateDevice late = Device(fleet);
        Assert.Equal(DeviceStanding.Missing, late.Standing);
        Assert.EndsWith(": waits-for-application: waits for the application's busy lock", late.StandingReason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_windows_of_the_policy_are_told_to_every_device()
    {
        PolicySpec policy = Policy(3600) with { Maintenance = MaintenanceWindows.Of(["sat,sun 22:00-04:00"], utc: true, downloads: true) };
        FakeFleet fleet = new FakeFleet(Rollouts.Install, policy, provisioned: false).Add("orin", 3).Run(3);

        Assert.NotEmpty(fleet.Last!.Goals);
        Assert.All(fleet.Last.Goals, goal => Assert.Equal(policy.Maintenance, goal.Desired!.Plan.Maintenance));
    }

    private static PolicySpec Policy(int deviceSeconds) =>
        Rollouts.Policy with { Limits = Rollouts.Policy.Limits with { DeviceSeconds = deviceSeconds, StageSeconds = 100_000 }, Probation = Rollouts.Policy.Probation with { Seconds = 1 } };

    private static GateDevice Device(FakeFleet fleet)
    {
        ClassProgress progress = fleet.Class("orin");
        DeviceProgress device = progress.Devices.Single(d => d.DeviceId == "orin-1");
        DeviceView view = fleet.World().Devices.Single(d => d.DeviceId == "orin-1");
        return DeviceReading.ForGate(device, view, progress, fleet.State, DeviceFaults.None, fleet.Now);
    }
}
