using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Testing.Files;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>A runner that is not there is said, once, and so is its return.</summary>
public sealed class RunnerPresenceTests
{
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeRunner _runner;

    public RunnerPresenceTests() => _runner = new FakeRunner(_disk, DeviceRig.Root);

    [Fact]
    public async Task A_runner_that_two_looks_in_a_row_do_not_find_is_said_once_and_so_is_its_return()
    {
        using DeviceRig rig = Rig();
        RunnerPresence presence = new(rig.Writer, rig.Time, NullLogger.Instance);
        presence.Answered();
        presence.Missed("connection refused");
        Assert.Empty(rig.ReportedStates);
        presence.Answered();

        for (int look = 0; look < 5; look++)
        {
            presence.Missed("connection refused");
        }
        presence.Answered();
        presence.Answered();

        Assert.Equal([Wire.Runner.Away, Wire.Runner.Answers], rig.ReportedStates.Select(state => state.Runner));
        Assert.Equal(["runner-away", "runner-back"], rig.Events.Select(e => e.Type));
        Assert.Contains("connection refused", rig.Events[0].Detail, StringComparison.Ordinal);
        await rig.StopAsync();
    }

    [Fact]
    public async Task The_watch_of_the_runner_says_what_it_finds()
    {
        DeviceRig rig = Rig();
        Digest digest = _artifacts.Publish("fashion", "baseline");
        rig.Want(Wanted.Install(digest));
        await rig.UntilEndAsync(digest);
        await rig.StopAsync();
        Assert.Equal(Wire.Runner.Answers, rig.ReportedStates[^1].Runner);
        rig.Dispose();

        _runner.AwayForCalls = 100;
        // One look at the start, and one that this clock does not wait for.
        using DeviceRig again = Rig(DeviceRig.Patient with { RunnerWatch = TimeSpan.FromHours(1) });
        again.Start();
        await again.EventuallyAsync(now => now.Events.Any(e => e.Type == "runner-away"));
        Assert.Equal(Wire.Runner.Away, again.ReportedStates[^1].Runner);
        await again.StopAsync();
    }

    private DeviceRig Rig(DeploymentOptions? options = null) => new(_disk, _artifacts, _runner, new FakeTrials(), options: options);
}
