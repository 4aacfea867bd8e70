using System.Diagnostics;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>Applications that must not be disturbed, as processes that hold a lock on a file.</summary>
public sealed class BusyLockTests : IAsyncLifetime
{
    private readonly SimulatedDisk _disk = new();
    private readonly TemporaryFolder _locks = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeRunner _runner;
    private readonly BusyLocks _busy;
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private DeviceRig _rig;
    private Process? _application;

    public BusyLockTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _busy = new BusyLocks(_locks.Path);
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
        _rig = NewRig();
    }

    public async Task InitializeAsync()
    {
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);
    }

    public async Task DisposeAsync()
    {
        await _rig.StopAsync();
        _rig.Dispose();
        _application?.Kill(entireProcessTree: true);
        _application?.Dispose();
        _locks.Dispose();
    }

    [Fact]
    public async Task A_candidate_waits_for_the_lock_says_so_and_goes_on_when_it_is_let_go_of()
    {
        await HoldAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await WaitsAsync();

        Assert.Equal((DeploymentPhase.Benchmarked, _baseline), (_rig.Record()!.Phase, _runner.Serving("fashion")));
        Assert.StartsWith($"waits for the application's busy lock '{_busy.PathOf("fashion")}'", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Single(_rig.Reports, report => report is { Phase: Wire.Phase.Benchmarked, Code: FailureCodes.WaitsForApplication });

        // However it ends: here as a crash does.
        _application!.Kill(entireProcessTree: true);
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal((DeploymentPhase.Committed, _candidate), (_rig.Record()!.Phase, _runner.Serving("fashion")));
    }

    [Fact]
    public async Task A_deadline_ends_the_wait_and_changes_nothing()
    {
        await HoldAsync();
        _rig.Clock.Told(_rig.Time.GetUtcNow());
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Deadline = _rig.Time.GetUtcNow().AddMinutes(30) });
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedUnchanged, FailureCodes.DeadlinePassed), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Empty(_rig.Files.LoadMemory("fashion").Failed);
    }

    [Fact]
    public async Task An_operators_rollback_waits_ten_seconds_and_no_longer()
    {
        await RolloutAsync();
        await HoldAsync();
        ManualTimeProvider time = await RestartAsync();
        _rig.Want(Wanted.Rollback(_baseline));
        for (int i = 0; i < 20; i++)
        {
            await _rig.EventuallyAsync(_ => time.NextDue <= time.GetUtcNow() + DeviceRig.Patient.BusyPoll);
            Assert.Equal(_candidate, _runner.Serving("fashion"));
            time.Advance(DeviceRig.Patient.BusyPoll);
        }
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(_baseline, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task Harm_is_taken_back_at_once()
    {
        bool harmful = false;
        _runner.Count = (digest, model) => digest == _candidate && harmful ? model with { Requests = 9, NonFinite = 1 } : model;
        ManualTimeProvider time = await RestartAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Plan = new TrialPlan { ProbationSeconds = 3600 } });
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        await HoldAsync();
        harmful = true;
        await _rig.EventuallyAsync(_ => time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(1));
        // No time passes any more.
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, _baseline), (_rig.Record()!.Phase, _runner.Serving("fashion")));
    }

    [Fact]
    public async Task The_agent_holds_it_while_it_swaps_and_lets_go_after()
    {
        bool taken = true;
        _runner.OnReconcile = () =>
        {
            using IDisposable? mine = _busy.TryTake("fashion");
            taken &= mine is null;
        };
        await RolloutAsync();

        Assert.True(taken, "somebody else got it in the middle of the swap");
        using IDisposable? after = _busy.TryTake("fashion");
        Assert.NotNull(after);
    }

    [Fact]
    public async Task A_start_in_the_middle_of_an_activation_asks_again_before_it_swaps()
    {
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Benchmarked));
        await _rig.UntilPhaseAsync(DeploymentPhase.Benchmarked);
        DeploymentRecord record = _rig.Record()!;
        await _rig.EndAsync();
        _rig.Dispose();
        DeploymentFiles files = new(new EdgeFleet.Agent.State.StateFolder(DeviceRig.Root, _disk), Microsoft.Extensions.Logging.Abstractions.NullLogger<DeploymentFiles>.Instance);
        files.Save(record with { Phase = DeploymentPhase.Activating });
        await HoldAsync();
        _rig = NewRig();
        _rig.Start();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await WaitsAsync();

        Assert.Equal((DeploymentPhase.Activating, _baseline), (_rig.Record()!.Phase, _rig.Slots.Read("fashion")!.Active));
        _application!.Kill(entireProcessTree: true);
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private DeviceRig NewRig(TimeProvider? time = null) => new(_disk, _artifacts, _runner, new FakeTrials(), time, busy: _busy);

    private Task WaitsAsync() => _rig.EventuallyAsync(rig => rig.Engine.Workers.SingleOrDefault()?.Record?.Code == FailureCodes.WaitsForApplication);

    private async Task RolloutAsync()
    {
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private async Task<ManualTimeProvider> RestartAsync()
    {
        await _rig.EndAsync();
        _rig.Dispose();
        ManualTimeProvider time = new();
        _rig = NewRig(time);
        _rig.Start();
        return time;
    }

    /// <summary>A process of somebody else takes the lock, as flock(1) of util-linux does.</summary>
    private async Task HoldAsync()
    {
        _application = Process.Start(new ProcessStartInfo("flock", ["--no-fork", _busy.PathOf("fashion"), "sh", "-c", "echo held; exec sleep 1000"]) { RedirectStandardOutput = true })!;
        Assert.Equal("held", await _application.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)));
    }
}
