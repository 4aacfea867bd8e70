using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>A device that may begin to activate only at some hours. 20 November 2026 is a Friday; its clock shows UTC here.</summary>
public sealed class MaintenanceWindowTests : IDisposable
{
    private static readonly DateTimeOffset s_noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeRunner _runner;
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private DeviceRig _rig;

    public MaintenanceWindowTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
        _rig = NewRig(new ImpatientTime(s_noon));
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Outside_its_windows_it_says_why_it_waits_and_when_the_next_one_opens_and_goes_on_then()
    {
        await InstallAsync();
        ManualTimeProvider time = await RestartAsync(s_noon);
        _rig.Want(Candidate("fri 22:00-23:00"));
        await WaitsAsync();

        DeploymentRecord waiting = _rig.Record()!;
        Assert.Equal(DeploymentPhase.Benchmarked, waiting.Phase);
        Assert.Equal("waits for its maintenance window (fri 22:00-23:00, UTC); the next one opens Fri 2026-11-20 22:00Z", waiting.Detail);
        Assert.Contains(_rig.Reports, report => report is { Phase: Wire.Phase.Benchmarked, Code: FailureCodes.WaitsForWindow });
        await AdvanceAsync(time, TimeSpan.FromHours(9.9));
        Assert.Equal((_baseline, DeploymentPhase.Benchmarked), (_runner.Serving("fashion"), _rig.Record()!.Phase));
        // Said once, however often it was looked at.
        Assert.Single(_rig.Reports, report => report.Code == FailureCodes.WaitsForWindow);

        await AdvanceAsync(time, TimeSpan.FromHours(0.2));
        Assert.Equal(_candidate, _runner.Serving("fashion"));
        Assert.Equal("", _rig.Record()!.Code);
    }

    [Fact]
    public async Task A_rollback_is_not_bound_by_windows()
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);
        await RestartAsync(s_noon);

        _rig.Want(Wanted.Rollback(_baseline) with { Plan = Candidate("sat 01:00-02:00").Plan });
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(_baseline, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task A_candidate_that_waits_is_taken_back_at_once()
    {
        await InstallAsync();
        await RestartAsync(s_noon);
        _rig.Want(Candidate("sat 01:00-02:00"));
        await WaitsAsync();

        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Contains(_rig.Reports, report => report.Digest == _candidate.ToString() && report.Phase == Wire.Phase.Superseded);
    }

    [Fact]
    public async Task An_activation_that_has_begun_goes_on_when_its_window_closes()
    {
        await InstallAsync();
        ManualTimeProvider time = await RestartAsync(s_noon);
        _rig.Want(Candidate("fri 12:00-12:01") with { Plan = Candidate("fri 12:00-12:01").Plan with { ProbationSeconds = 600 } });
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        for (int i = 0; i < 700 && !_rig.Record()!.Ended; i++)
        {
            await _rig.EventuallyAsync(rig => rig.Record() is { Ended: true } || time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(1));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    [Fact]
    public async Task Where_downloads_are_bound_too_nothing_is_fetched_before()
    {
        await InstallAsync();
        await RestartAsync(s_noon);
        int fetches = _artifacts.Fetches;
        DesiredDeployment wish = Candidate("sat 01:00-02:00");
        _rig.Want(wish with { Plan = wish.Plan with { Maintenance = wish.Plan.Maintenance! with { Downloads = true } } });
        await WaitsAsync();

        Assert.Equal((DeploymentPhase.Accepted, fetches), (_rig.Record()!.Phase, _artifacts.Fetches));
    }

    [Fact]
    public async Task A_clock_that_was_not_set_opens_no_window_and_says_so()
    {
        await InstallAsync();
        await _rig.EndAsync();
        _rig.Dispose();
        ManualTimeProvider time = new(s_noon);
        UnsetClock clock = new(time) { Behind = s_noon - new DateTimeOffset(1970, 1, 2, 0, 0, 0, TimeSpan.Zero) };
        _rig = NewRig(clock);
        _rig.Start();
        _rig.Want(Candidate("daily 00:00-24:00"));
        await WaitsAsync();

        Assert.StartsWith("waits for its clock: it shows Fri 1970-01-02 00:00Z, which is before this agent was written", _rig.Record()!.Detail, StringComparison.Ordinal);
        clock.Behind = TimeSpan.Zero;
        await _rig.EventuallyAsync(_ => time.NextDue <= time.GetUtcNow() + TimeSpan.FromMinutes(1));
        time.Advance(TimeSpan.FromMinutes(1));
        await _rig.EventuallyAsync(_ => _runner.Serving("fashion") == _candidate);
    }

    [Fact]
    public async Task A_wait_survives_a_start_and_costs_none()
    {
        await InstallAsync();
        await RestartAsync(s_noon);
        _rig.Want(Candidate("sat 01:00-02:00"));
        await WaitsAsync();
        for (int i = 0; i < 6; i++)
        {
            await RestartAsync(s_noon);
            await WaitsAsync();
        }
        Assert.Equal((DeploymentPhase.Benchmarked, 0), (_rig.Record()!.Phase, _rig.Record()!.Restarts));
    }

    /// <summary>A clock that is set some time after the device was switched on; what has passed since then it knows all along.</summary>
    private sealed class UnsetClock(TimeProvider time) : TimeProvider
    {
        public TimeSpan Behind { get; set; }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() - Behind;

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
    }

    private DesiredDeployment Candidate(string window) => Wanted.Staged(_candidate, DeploymentGoal.Active) with
    {
        Plan = new TrialPlan { ProbationSeconds = 10, Maintenance = MaintenanceWindows.Of([window], utc: true, downloads: false) },
    };

    private Task WaitsAsync() => _rig.EventuallyAsync(rig => rig.Engine.Workers.SingleOrDefault()?.Record?.Code == FailureCodes.WaitsForWindow);

    private DeviceRig NewRig(TimeProvider time) => new(_disk, _artifacts, _runner, new FakeTrials(), time);

    private async Task InstallAsync()
    {
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);
    }

    private async Task<ManualTimeProvider> RestartAsync(DateTimeOffset now)
    {
        await _rig.EndAsync();
        _rig.Dispose();
        ManualTimeProvider time = new(now);
        _rig = NewRig(time);
        _rig.Start();
        return time;
    }

    /// <summary>In the steps in which the device looks.</summary>
    private async Task AdvanceAsync(ManualTimeProvider time, TimeSpan by)
    {
        for (DateTimeOffset end = time.GetUtcNow() + by; time.GetUtcNow() < end;)
        {
            await _rig.EventuallyAsync(rig => rig.Record()!.Phase > DeploymentPhase.Activating || time.NextDue <= time.GetUtcNow() + TimeSpan.FromMinutes(1));
            time.Advance(TimeSpan.FromMinutes(1));
        }
    }
}
