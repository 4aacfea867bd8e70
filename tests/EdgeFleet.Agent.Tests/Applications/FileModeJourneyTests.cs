using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Applications;

/// <summary>A model whose files an application loads itself, through its deployments.</summary>
public sealed class FileModeJourneyTests : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeTrials _trials = new();
    private readonly FakeRunner _runner;
    private readonly ScriptedApplication _application = new();
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private DeviceRig _rig;

    public FileModeJourneyTests()
    {
        // The runner is not there at all: nothing of file mode may need it.
        _runner = new FakeRunner(_disk, DeviceRig.Root) { AwayForCalls = int.MaxValue };
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
        ScriptedApplication.PutIntoFileMode(_disk);
        _rig = NewRig();
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_rollout_swaps_the_link_runs_the_hook_and_commits_by_what_the_application_says()
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal($"../../artifacts/{_candidate.Hex}/files", _disk.ReadLink($"{DeviceRig.Root}/models/fashion/current"));
        Assert.Equal([_baseline, _candidate], _application.Told);
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["EDGEFLEET_MODEL"] = "fashion",
                ["EDGEFLEET_DIGEST"] = _candidate.ToString(),
                ["EDGEFLEET_PATH"] = $"{DeviceRig.Root}/artifacts/{_candidate.Hex}/files",
                ["EDGEFLEET_CURRENT"] = $"{DeviceRig.Root}/models/fashion/current",
                ["EDGEFLEET_PREVIOUS_DIGEST"] = _baseline.ToString(),
                ["EDGEFLEET_PREVIOUS_PATH"] = $"{DeviceRig.Root}/artifacts/{_baseline.Hex}/files",
                ["EDGEFLEET_HEALTH_SOCKET"] = $"{DeviceRig.Root}/file-mode/health.sock",
            },
            _application.Calls[^1].Environment);
        ProbationEvidence evidence = _rig.Record()!.Probation!;
        Assert.Equal((500, 0, 40, 1500.0, "application"), (evidence.Requests, evidence.Failures, evidence.Outputs, evidence.P95Micros, evidence.Source));
        // Measured before in a worker of ours, as any candidate.
        Assert.Single(_trials.Benches);
        Assert.Single(_rig.BenchReports);
        Assert.Equal(0, _runner.Reconciles);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_hook_that_fails_takes_the_candidate_back_and_is_run_again_for_the_way_back(bool tooSlow)
    {
        await InstallAsync();
        _application.Hook = digest => digest != _candidate ? new HookResult.Done()
            : tooSlow ? new HookResult.TimedOut("the hook did not end within 60 s")
            : new HookResult.Failed("the hook ended with exit code 3, saying: unsupported op");
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        DeploymentRecord end = _rig.Record()!;
        Assert.Equal((DeploymentPhase.FailedRolledBack, tooSlow ? FailureCodes.HookTimedOut : FailureCodes.HookFailed), (end.Phase, end.Code));
        Assert.Contains(tooSlow ? "within 60 s" : "unsupported op", end.Detail, StringComparison.Ordinal);
        Assert.Equal([_baseline, _candidate, _baseline], _application.Told);
        Assert.Equal((_baseline, _baseline), (_application.Loaded, _rig.Slots.Read("fashion")!.Active));
        Assert.Equal($"../../artifacts/{_baseline.Hex}/files", _disk.ReadLink($"{DeviceRig.Root}/models/fashion/current"));
        Assert.True(_rig.Files.LoadMemory("fashion").Failed.ContainsKey(_candidate));
    }

    [Fact]
    public async Task A_hook_that_cannot_be_started_says_nothing_against_the_digest()
    {
        await InstallAsync();
        _application.Hook = digest => digest == _candidate ? new HookResult.NotStarted("no such file") : new HookResult.Done();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.HookNotStarted), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Empty(_rig.Files.LoadMemory("fashion").Failed);
        Assert.Equal(_baseline, _application.Loaded);
    }

    [Fact]
    public async Task A_hook_that_never_takes_the_way_back_ends_as_could_not_roll_back_and_is_run_until_it_does()
    {
        await InstallAsync();
        bool broken = true;
        _application.Hook = _ => broken ? new HookResult.Failed("exit code 1") : new HookResult.Done();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal((DeploymentPhase.FailedCouldNotRollBack, FailureCodes.HookFailed), (_rig.Record()!.Phase, _rig.Record()!.Code));
        // Once forward, three times back; what the application looks at is right all the same.
        Assert.Equal([_baseline, _candidate, _baseline, _baseline, _baseline], _application.Told);
        Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);

        broken = false;
        await RestartAsync(DeviceRig.Patient with { RunnerWatch = TimeSpan.FromSeconds(10) });
        _rig.Start();
        await _rig.EventuallyAsync(_ => _application.Loaded == _baseline && _application.Told.Count > 5);
    }

    [Theory]
    [InlineData("errors", FailureCodes.FailedRequests), InlineData("nan", FailureCodes.NonFinite), InlineData("outputs", FailureCodes.NoOutputs)]
    public async Task A_candidate_of_which_the_application_says_that_it_does_harm_is_taken_back(string harm, string code)
    {
        await InstallAsync();
        HealthReport harmed = harm switch
        {
            "errors" => ScriptedApplication.Healthy with { Errors = 4 },
            "nan" => ScriptedApplication.Healthy with { NonFinite = 1 },
            _ => ScriptedApplication.Healthy with { Outputs = 0 },
        };
        _application.Says = digest => digest == _candidate ? harmed : ScriptedApplication.Healthy;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Plan = new TrialPlan { ProbationSeconds = 10, ProbationMaxFailures = 3 } });
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, code), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(_baseline, _application.Loaded);
        Assert.Equal("application", _rig.Record()!.Probation!.Source);
    }

    [Theory, InlineData(3, DeploymentPhase.Committed), InlineData(4, DeploymentPhase.FailedRolledBack)]
    public async Task As_many_errors_as_the_plan_allows_are_no_harm(int errors, DeploymentPhase end)
    {
        await InstallAsync();
        _application.Says = digest => ScriptedApplication.Healthy with { Errors = digest == _candidate ? errors : 0 };
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Plan = new TrialPlan { ProbationSeconds = 10, ProbationMaxFailures = 3 } });
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(end, _rig.Record()!.Phase);
    }

    [Fact]
    public async Task An_application_that_says_nothing_of_the_candidate_has_not_shown_that_it_works()
    {
        await InstallAsync();
        ScriptedApplication.PutIntoFileMode(_disk, silentSeconds: 60);
        await RestartAsync();
        _application.Says = digest => digest == _candidate ? null : ScriptedApplication.Healthy;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.ApplicationSilent), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Contains($"the application says nothing of {_candidate.Short}", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Contains("(60 s are allowed)", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Equal(_baseline, _application.Loaded);
        // It was said while it was waited for, too.
        Assert.Contains(_rig.Reports, report => report.Phase == Wire.Phase.Probation && report.Detail.StartsWith("the application says", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_application_that_goes_on_with_the_old_files_is_told_apart_from_one_that_is_silent()
    {
        await InstallAsync();
        ScriptedApplication.PutIntoFileMode(_disk, silentSeconds: 60);
        ManualTimeProvider time = new();
        await RestartAsync(time: time);
        _application.Says = digest => digest == _candidate ? null : ScriptedApplication.Healthy;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        while (!(_rig.Record()!.Phase > DeploymentPhase.Probation))
        {
            await _rig.EventuallyAsync(rig => rig.Record()!.Phase > DeploymentPhase.Probation || time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(1));
            _rig.Health.Take("fashion", _baseline, ScriptedApplication.Healthy);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.ApplicationElsewhere), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Contains($"it has loaded {_baseline.Short}, not {_candidate.Short}", _rig.Record()!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_application_that_begins_again_and_again_with_the_candidate_is_a_crash_loop()
    {
        await InstallAsync();
        int instance = 0;
        ManualTimeProvider time = new();
        await RestartAsync(time: time);
        _application.Says = digest => ScriptedApplication.Healthy with { Instance = $"{++instance}" };
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Plan = new TrialPlan { ProbationSeconds = 3600 } });
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        while (_rig.Record()!.Phase == DeploymentPhase.Probation)
        {
            await _rig.EventuallyAsync(rig => rig.Record()!.Phase != DeploymentPhase.Probation || time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(1));
            _application.Speak();
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.CrashLoop), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(3, _rig.Record()!.RunnerRestarts);
    }

    [Fact]
    public async Task A_rollback_from_the_controller_needs_no_download()
    {
        await InstallAsync();
        await RolloutAsync();
        _artifacts.Away = true;
        int fetched = _artifacts.Fetches;
        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal((_baseline, fetched), (_application.Loaded, _artifacts.Fetches));
        Assert.Equal([_baseline, _candidate, _baseline], _application.Told);
    }

    [Fact]
    public async Task A_rollback_at_the_device_needs_no_download()
    {
        await InstallAsync();
        await RolloutAsync();
        _artifacts.Away = true;
        new RollbackRequest { Model = "fashion", Target = _baseline, Reason = "asked for at the device" }.Leave(_rig.State);
        await RestartAsync(DeviceRig.Patient with { RequestWatch = TimeSpan.FromMilliseconds(1) });
        await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.FailedRolledBack });

        Assert.Equal((_baseline, _baseline), (_application.Loaded, _rig.Slots.Read("fashion")!.Active));
    }

    [Fact]
    public async Task A_rollback_whose_hook_fails_is_tried_until_it_works_and_never_undone()
    {
        await InstallAsync();
        await RolloutAsync();
        int failures = 30;
        _application.Hook = digest => digest == _baseline && failures-- > 0 ? new HookResult.Failed("exit code 1, saying: busy") : new HookResult.Done();
        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal(_baseline, _application.Loaded);
        Assert.DoesNotContain(_candidate, _application.Told.Skip(2));
        // Whoever waits for it is told why.
        Assert.Contains(_rig.Reports, report => report is { Phase: Wire.Phase.Activating, Code: FailureCodes.HookFailed });
    }

    [Fact]
    public async Task In_the_shadow_it_says_that_there_is_none_and_why_and_waits()
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Shadowing));
        await _rig.EventuallyAsync(rig => rig.Reports.Any(report => report.Code == FailureCodes.ShadowAbsent));

        Wire.DeploymentReport said = _rig.Reports[^1];
        Assert.Equal(Wire.Phase.Shadowing, said.Phase);
        Assert.StartsWith("shadow absent: file mode", said.Detail, StringComparison.Ordinal);
        Assert.Empty(_rig.ShadowReports);
        Assert.Single(_rig.BenchReports);

        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal((DeploymentPhase.Committed, ""), (_rig.Record()!.Phase, _rig.Record()!.Code));
    }

    [Fact]
    public async Task A_first_install_whose_hook_fails_takes_the_link_away_and_says_so_to_the_application()
    {
        _application.Hook = digest => digest is null ? new HookResult.Done() : new HookResult.Failed("exit code 1");
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.FailedRolledBack, _rig.Record()!.Phase);
        Assert.Null(_rig.Slots.Read("fashion"));
        Assert.Null(_disk.ReadLink($"{DeviceRig.Root}/models/fashion/current"));
        Assert.Equal([_baseline, null], _application.Told);
    }

    [Fact]
    public async Task A_model_that_is_put_into_file_mode_while_it_serves_has_its_application_told()
    {
        ScriptedApplication.PutIntoFileMode(_disk);
        await InstallAsync();
        _disk.Delete($"{DeviceRig.Root}/models/fashion/hook.json");
        await RestartAsync(DeviceRig.Patient with { RunnerWatch = TimeSpan.FromSeconds(10) });
        _rig.Start();
        await _rig.EventuallyAsync(_ => _application.Told.Count == 2);

        Assert.Equal([_baseline, _baseline], _application.Told);
    }

    [Fact]
    public async Task A_set_up_that_is_damaged_keeps_the_model_in_file_mode_and_activates_nothing()
    {
        await InstallAsync();
        _disk.Delete($"{DeviceRig.Root}/file-mode/fashion.json");
        EdgeFleet.Linux.Files.DurableFile.Write(_disk, $"{DeviceRig.Root}/file-mode/fashion.json", "{"u8);
        await RestartAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(FailureCodes.HookNotStarted, _rig.Record()!.Code);
        Assert.Contains("edgefleet-agent file-mode set fashion", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Equal(_baseline, _application.Loaded);
    }

    [Fact]
    public async Task An_application_that_falls_silent_after_the_commit_is_told_to_the_fleet_once_and_so_is_its_return()
    {
        ScriptedApplication.PutIntoFileMode(_disk, silentSeconds: 60);
        await RestartAsync();
        await InstallAsync();
        ManualTimeProvider time = new();
        await RestartAsync(DeviceRig.Patient with { RunnerWatch = TimeSpan.FromSeconds(10) }, time);
        _rig.Start();
        for (int i = 0; i < 20; i++)
        {
            await _rig.EventuallyAsync(_ => time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(10));
            time.Advance(TimeSpan.FromSeconds(10));
        }
        await _rig.EventuallyAsync(rig => rig.Events.Any(told => told.Type == "application-silent"));
        _application.Speak();
        time.Advance(TimeSpan.FromSeconds(10));
        await _rig.EventuallyAsync(rig => rig.Events.Any(told => told.Type == "application-back"));

        Assert.Equal(["application-silent", "application-back"], _rig.Events.Select(told => told.Type));
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private DeviceRig NewRig(DeploymentOptions? options = null, TimeProvider? time = null) => new(_disk, _artifacts, _runner, _trials, time, options, _application);

    private async Task InstallAsync()
    {
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private async Task RolloutAsync()
    {
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private async Task RestartAsync(DeploymentOptions? options = null, TimeProvider? time = null)
    {
        await _rig.EndAsync();
        _rig.Dispose();
        _rig = NewRig(options, time);
    }
}
