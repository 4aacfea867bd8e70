using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Tests.Serving;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Kernel;
using EdgeFleet.Testing.Time;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Running;

/// <summary>A button at the device, on a chip whose edges come when the test wrote that they do.</summary>
public sealed class RollbackButtonTests
{
    private static readonly GpioAddress s_line = new("gpiochip0", 17);
    private static readonly Digest s_old = Digest.Of("old"u8), s_new = Digest.Of("new"u8);
    private readonly SimulatedDisk _disk = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ScriptedGpioChip _chip = new();
    private readonly LogWatch _log = new();
    private readonly StateFolder _state;

    public RollbackButtonTests()
    {
        _state = new StateFolder(DeviceRig.Root, _disk);
        _state.Prepare();
    }

    [Fact]
    public async Task Held_for_two_seconds_it_asks_for_what_served_before()
    {
        Activate("fashion", s_new, previous: s_old);
        _chip.Edge(500, rising: false);

        await PressAsync();

        Assert.Equal(["fashion"], RollbackRequest.Waiting(_state));
        RollbackRequest request = RollbackRequest.Read(_state, "fashion")!;
        Assert.Equal((s_old, "asked for by the button at the device (gpiochip0:17)"), (request.Target, request.Reason));
        Assert.Contains(_log.Messages, message => message.Contains("was held: model fashion goes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_spike_and_a_short_press_ask_for_nothing()
    {
        Activate("fashion", s_new, previous: s_old);
        _chip.Edge(500, rising: false).Edge(500.1, rising: true).Edge(900, rising: false).Edge(2_899, rising: true);

        await PressAsync();

        Assert.Empty(RollbackRequest.Waiting(_state));
    }

    [Fact]
    public async Task Of_several_models_it_takes_back_the_one_that_was_activated_last()
    {
        Activate("audio", s_new, previous: s_old);
        Activate("fashion", s_new, previous: s_old);
        Activate("video", s_new, previous: null);
        _chip.Edge(500, rising: false);

        await PressAsync();

        Assert.Equal(["fashion"], RollbackRequest.Waiting(_state));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Where_there_is_nothing_to_go_back_to_it_says_so(bool previousIsGone)
    {
        if (previousIsGone)
        {
            Activate("fashion", s_new, previous: s_old);
            _disk.DeleteDirectory(_state.Artifact(s_old));
        }
        _chip.Edge(500, rising: false);

        await PressAsync();

        Assert.Empty(RollbackRequest.Waiting(_state));
        Assert.Contains(_log.Messages, message => message.Contains("nothing to take back", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_presses_are_two_requests_and_one_that_goes_on_is_one()
    {
        Activate("fashion", s_new, previous: s_old);
        _chip.Edge(500, rising: false).Edge(60_000, rising: true).Edge(61_000, rising: false).Edge(70_000, rising: true);

        await PressAsync();

        Assert.Equal(2, _log.Messages.Count(message => message.Contains("was held", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_line_that_cannot_be_had_is_said_once_and_tried_again_until_it_can()
    {
        Activate("fashion", s_new, previous: s_old);
        _chip.Edge(500, rising: false);
        _chip.OpenError = Errno.Enoent;
        using CancellationTokenSource stop = new();
        Task waits = _time.TimerCreated;
        Task running = Button().RunAsync(stop.Token);
        await waits.WaitAsync(TimeSpan.FromSeconds(30));
        waits = _time.TimerCreated;
        _time.Advance(RollbackButton.Retry);
        await waits.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Single(_log.Messages, message => message.Contains("does not work: /dev/gpiochip0: No such file or directory (ENOENT)", StringComparison.Ordinal));

        _chip.OpenError = Errno.None;
        _time.Advance(RollbackButton.Retry);
        await _chip.Idle.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        Assert.Equal(["fashion"], RollbackRequest.Waiting(_state));
        Assert.Empty(_chip.Descriptors);
    }

    [Fact]
    public async Task What_the_button_asked_for_the_agent_does()
    {
        TestArtifacts artifacts = new();
        FakeRunner runner = new(_disk, DeviceRig.Root);
        Digest baseline = artifacts.Publish("fashion", "fp32"), candidate = artifacts.Publish("fashion", "int8");
        using (DeviceRig before = new(_disk, artifacts, runner, new FakeTrials()))
        {
            before.Want(Wanted.Install(baseline));
            await before.UntilEndAsync(baseline);
            before.Want(Wanted.Staged(candidate, DeploymentGoal.Active));
            await before.UntilEndAsync(candidate);
            await before.StopAsync();
        }
        Assert.Equal(candidate, runner.Serving("fashion"));
        _chip.Edge(500, rising: false);

        await PressAsync();
        // Looks at the requests once, at its start.
        using DeviceRig rig = new(_disk, artifacts, runner, new FakeTrials(), options: DeviceRig.Patient with { RequestWatch = TimeSpan.FromDays(30) });
        await rig.UntilPhaseAsync(DeploymentPhase.FailedRolledBack);

        Assert.Equal(baseline, runner.Serving("fashion"));
        Assert.Contains("the button at the device", rig.Record()!.Detail, StringComparison.Ordinal);
        await rig.StopAsync();
    }

    private void Activate(string model, Digest active, Digest? previous)
    {
        _time.Advance(TimeSpan.FromHours(1));
        _disk.CreateDirectory(_state.Artifact(active), (UnixFileMode)0x1ED);
        if (previous is { } digest)
        {
            _disk.CreateDirectory(_state.Artifact(digest), (UnixFileMode)0x1ED);
        }
        new SlotTable(_state, _time, NullLogger<SlotTable>.Instance).Write(model, active, previous, golden: null);
    }

    private RollbackButton Button() => new(_state, _chip, s_line, _time, _log.CreateLogger<RollbackButton>());

    /// <summary>Until every edge was seen.</summary>
    private async Task PressAsync()
    {
        using CancellationTokenSource stop = new();
        Task running = Button().RunAsync(stop.Token);
        await Task.WhenAny(running, _chip.Idle).WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
