using System.Text;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>A full disk, a clock that is wrong, a link that is away, files that are damaged.</summary>
public sealed class HardTimesTests : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeTrials _trials = new();
    private readonly FakeRunner _runner;
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private DeviceRig _rig;

    public HardTimesTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials);
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_disk_that_fills_up_during_the_download_ends_in_a_refusal_and_the_device_serves_on()
    {
        await RunAsync(Wanted.Install(_baseline));
        // Admitted while there was room; then something else took it.
        _rig.Want(Wanted.Staged(_artifacts.Publish("fashion", "big", modelBytes: new byte[500_000]), DeploymentGoal.Active));
        _artifacts.Tamper = (_, _, rest) =>
        {
            _disk.CapacityBytes = Used() + 100_000;
            return rest;
        };
        await _rig.UntilAsync(rig => rig.Record() is { Ended: true, RolloutId: "r2" });

        Assert.Equal((DeploymentPhase.Refused, FailureCodes.DiskFull), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Contains("No space left", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Empty(_rig.Files.LoadMemory("fashion").Failed);
    }

    [Fact]
    public async Task A_newcomer_whose_disk_had_no_room_tries_again_at_its_next_start()
    {
        Digest big = _artifacts.Publish("fashion", "big", modelBytes: new byte[500_000]);
        DesiredDeployment assigned = Wanted.Install(big) with { Reason = DesiredReason.Assignment, RolloutId = "" };
        _disk.CapacityBytes = Used() + 100_000;
        _rig.Want(assigned);
        await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.Refused, Code: FailureCodes.DiskFull });
        await _rig.EndAsync();

        _disk.CapacityBytes = 1L << 30;
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials);
        await _rig.UntilPhaseAsync(DeploymentPhase.Committed);

        Assert.Equal(big, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task A_rollback_fits_on_a_disk_without_a_single_byte_left()
    {
        await RunAsync(Wanted.Install(_baseline));
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        Assert.True(_disk.Exists(_rig.State.Reserve));
        _disk.CapacityBytes = Used();

        await RunAsync(Wanted.Rollback(_baseline));

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);
        Assert.False(_disk.Exists(_rig.State.Reserve));
    }

    [Fact]
    public async Task A_rollback_can_be_asked_for_at_the_device_on_a_disk_without_a_single_byte_left()
    {
        await RunAsync(Wanted.Install(_baseline));
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        _disk.CapacityBytes = Used();

        new RollbackRequest { Model = "fashion", Target = _baseline, Reason = "asked for at the device" }.Leave(_rig.State);

        Assert.Equal(_baseline, RollbackRequest.Read(_rig.State, "fashion")!.Target);
    }

    [Fact]
    public async Task What_the_disk_did_not_take_of_an_end_is_reported_as_soon_as_it_does()
    {
        bool refuses = true;
        TaskCompletionSource refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _disk.FailFlush = path =>
        {
            bool fails = refuses && path.Contains("/outbox/", StringComparison.Ordinal) && _rig.Record() is { Phase: DeploymentPhase.Committed };
            _ = fails && refused.TrySetResult();
            return fails;
        };
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilAsync(rig => rig.IsSettled());
        await refused.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.DoesNotContain(_rig.Reports, report => report.Phase == Wire.Phase.Committed);

        refuses = false;
        await _rig.EventuallyAsync(rig => rig.Reports.Any(report => report.Phase == Wire.Phase.Committed));
    }

    [Fact]
    public async Task A_disk_that_takes_no_report_stops_no_rollback()
    {
        await RunAsync(Wanted.Install(_baseline));
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        _disk.FailFlush = path => path.Contains("/outbox/", StringComparison.Ordinal);

        await RunAsync(Wanted.Rollback(_baseline));

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.DoesNotContain(_rig.Reports, report => report.RolloutId == "rb1");
        _disk.FailFlush = null;
        await _rig.EventuallyAsync(rig => rig.Reports.Any(report => report is { RolloutId: "rb1", Phase: Wire.Phase.Committed }));
    }

    [Fact]
    public async Task A_device_that_starts_in_1970_installs_and_rolls_back_like_any_other()
    {
        _rig.Dispose();
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials, new ImpatientTime(DateTimeOffset.UnixEpoch));
        DateTimeOffset deadline = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

        await RunAsync(Wanted.Install(_baseline) with { Deadline = deadline });
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Deadline = deadline });
        await RunAsync(Wanted.Rollback(_baseline));

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.True(_rig.Outbox.Boot >= 1);
    }

    [Fact]
    public async Task A_clock_that_runs_ahead_misses_no_deadline_that_the_fleets_time_has_not_reached()
    {
        ManualTimeProvider ahead = new(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        _rig.Dispose();
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials, ahead);
        DateTimeOffset now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
        _rig.Clock.Told(now);
        _rig.Want(Wanted.Staged(_baseline, DeploymentGoal.Staged) with { Deadline = now + TimeSpan.FromHours(1) });
        await _rig.UntilPhaseAsync(DeploymentPhase.Staged);

        ahead.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
        await _rig.UntilAsync(rig => rig.Record()!.Ended);

        Assert.Equal((DeploymentPhase.FailedUnchanged, FailureCodes.DeadlinePassed), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Empty(_rig.Files.LoadMemory("fashion").Failed);
    }

    [Fact]
    public async Task A_link_that_is_away_for_long_costs_no_attempt()
    {
        _artifacts.Away = true;
        int retries = 0;
        _rig.Want(Wanted.Install(_baseline));
        _rig.Start();
        while (retries < 100)
        {
            // Each wait is over at once on this clock, so the clock counts them.
            retries = (int)(_rig.Time.GetElapsedTime(0).TotalMinutes / 3);
            await Task.Yield();
        }
        Assert.Equal((DeploymentPhase.Offered, 0), (_rig.Record()!.Phase, _rig.Record()!.Retries));

        _artifacts.Away = false;
        _rig.Engine.LinkIsBack();
        await _rig.UntilEndAsync(_baseline);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    [Theory]
    [InlineData("deployments/fashion.json"), InlineData("desired.json"), InlineData("models/fashion/slots.json"), InlineData("deployments/memory/fashion.json")]
    public async Task A_damaged_state_file_is_put_aside_and_the_device_comes_back(string file)
    {
        await RunAsync(Wanted.Install(_baseline));
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        Digest next = _artifacts.Publish("fashion", "next");
        await _rig.StopAsync();
        string path = $"{DeviceRig.Root}/{file}";
        byte[] content = _disk.Read(path)!;
        foreach (byte[] damaged in Damages(content))
        {
            SimulatedDisk disk = _disk.AfterPowerCut(PowerCutLoss.Nothing);
            Overwrite(disk, path, damaged);
            FakeRunner runner = new(disk, DeviceRig.Root);
            runner.Restart(disk);
            using DeviceRig rig = new(disk, _artifacts, runner, _trials);
            rig.Want(Wanted.Staged(next, DeploymentGoal.Staged, "r9"));
            await rig.UntilAsync(now => now.Record() is { RolloutId: "r9", Phase: DeploymentPhase.Staged });
            // Before the next one came it served what it had served.
            Assert.Equal(_candidate, runner.Serving("fashion"));
            Assert.Equal(_candidate, rig.Slots.Read("fashion")!.Active);

            rig.Want(Wanted.Staged(next, DeploymentGoal.Active, "r9"));
            await rig.UntilEndAsync(next);

            Assert.Equal(next, runner.Serving("fashion"));
            Assert.True(rig.State.Holds(_baseline), "golden was collected");
            Assert.Equal(damaged, disk.Read(path + ".bad"));
            await rig.StopAsync();
        }
    }

    [Fact]
    public async Task A_blob_that_rotted_on_disk_is_fetched_again()
    {
        await RunAsync(Wanted.Install(_baseline));
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Staged));
        bool rotted = false;
        _rig.Engine.PhaseSaved += record =>
        {
            if (record.Phase == DeploymentPhase.Fetched && !rotted)
            {
                rotted = true;
                string blob = _disk.List(_rig.State.Content).Select(name => $"{_rig.State.Content}/{name}")
                    .Single(path => Encoding.UTF8.GetString(_disk.Read(path)!).Contains("int8", StringComparison.Ordinal));
                Overwrite(_disk, blob, new byte[3000]);
            }
        };
        await _rig.UntilPhaseAsync(DeploymentPhase.Staged);

        Assert.True(rotted);
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        Assert.Equal(_candidate, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task A_request_of_the_local_command_line_takes_back_what_serves()
    {
        await RunAsync(Wanted.Install(_baseline));
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.StopAsync();
        _rig.Dispose();
        new RollbackRequest { Model = "fashion", Target = _baseline, Reason = "asked for at the device" }.Leave(new EdgeFleet.Agent.State.StateFolder(DeviceRig.Root, _disk));
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials, options: DeviceRig.Patient with { RequestWatch = TimeSpan.FromDays(30) });

        await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.FailedRolledBack });

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal(FailureCodes.RolledBackHere, _rig.Record()!.Code);
        Assert.Empty(_disk.List(_rig.State.Requests));
        // The controller's wish for the same attempt does not bring it back.
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active, "r9"));
        await _rig.UntilAsync(rig => rig.Record() is { RolloutId: "r9", Ended: true });
        Assert.Equal(FailureCodes.FailedBefore, _rig.Record()!.Code);
    }

    [Fact]
    public async Task A_request_of_the_local_command_line_outlives_a_disk_that_does_not_take_it_and_a_cut()
    {
        await RunAsync(Wanted.Install(_baseline));
        await RunAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.StopAsync();
        _rig.Dispose();
        new RollbackRequest { Model = "fashion", Target = _baseline, Reason = "asked for at the device" }.Leave(new EdgeFleet.Agent.State.StateFolder(DeviceRig.Root, _disk));
        TaskCompletionSource refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _disk.FailFlush = path => path.StartsWith(_rig.State.Deployments, StringComparison.Ordinal) && (refused.TrySetResult() || true);
        DeploymentOptions looks = DeviceRig.Patient with { RequestWatch = TimeSpan.FromDays(30) };
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials, options: looks);
        _rig.Start();
        await refused.Task.WaitAsync(TimeSpan.FromSeconds(20));

        SimulatedDisk survivor = _disk.AfterPowerCut(PowerCutLoss.Nothing);
        await _rig.StopAsync();
        _rig.Dispose();
        _runner.SwitchDisk(survivor);
        _rig = new DeviceRig(survivor, _artifacts, _runner, _trials, options: looks);
        await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.FailedRolledBack });
        await _rig.EventuallyAsync(rig => survivor.List(rig.State.Requests).Count == 0);

        Assert.Equal(_baseline, _runner.Serving("fashion"));
    }

    private async Task RunAsync(DesiredDeployment wish)
    {
        _rig.Want(wish);
        await _rig.UntilAsync(rig => rig.Record() is { Ended: true } record && record.IsFor(wish));
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private long Used() => _disk.CapacityBytes - _disk.AvailableBytes("/");

    private static IEnumerable<byte[]> Damages(byte[] content)
    {
        yield return [];
        yield return new byte[content.Length];
        yield return content[..(content.Length / 2)];
        byte[] flipped = [.. content];
        flipped[Array.IndexOf(content, (byte)':') + 1] ^= 1;
        yield return flipped;
    }

    private static void Overwrite(SimulatedDisk disk, string path, byte[] content)
    {
        using EdgeFleet.Linux.Files.IStoredFile file = disk.Open(path, UnixFileMode.UserWrite);
        file.SetLength(0);
        file.Write(content, 0);
        file.Flush();
    }
}
