using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using EdgeFleet.Rollouts.Deployments;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Deployments;

public sealed class JourneyTests : IDisposable
{
    private SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeTrials _trials = new();
    private readonly FakeRunner _runner;
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private DeviceRig _rig;

    public JourneyTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
        _rig = NewRig();
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task An_install_ends_committed_and_golden()
    {
        await InstallAsync();

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);
        Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Golden);
        Assert.Null(_rig.Slots.Read("fashion")!.Previous);
        Assert.Equal($"../../artifacts/{_baseline.Hex}/files", _disk.ReadLink($"{DeviceRig.Root}/models/fashion/current"));
        Assert.Equal(
            [Wire.Phase.Offered, Wire.Phase.Accepted, Wire.Phase.Fetched, Wire.Phase.Verified, Wire.Phase.Staged, Wire.Phase.Activating, Wire.Phase.Probation, Wire.Phase.Committed],
            _rig.Reports.Select(report => report.Phase));
        Assert.Empty(_trials.Benches);
    }

    [Fact]
    public async Task A_staged_rollout_parks_at_each_goal_until_it_moves()
    {
        await InstallAsync();

        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Staged));
        await _rig.UntilPhaseAsync(DeploymentPhase.Staged);
        Assert.Empty(_trials.Benches);
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Benchmarked));
        await _rig.UntilPhaseAsync(DeploymentPhase.Benchmarked);
        Assert.Equal("pass", System.Text.Json.JsonDocument.Parse(Assert.Single(_rig.BenchReports).Evidence.ToStringUtf8()).RootElement.GetProperty("verdict").GetString());
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Shadowing));
        await _rig.UntilPhaseAsync(DeploymentPhase.Shadowing);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal(_candidate, _runner.Serving("fashion"));
        Assert.Equal((_candidate, _baseline, _baseline), (_rig.Slots.Read("fashion")!.Active, _rig.Slots.Read("fashion")!.Previous, _rig.Slots.Read("fashion")!.Golden));
        Assert.Equal(_baseline, Digest.Parse(Assert.Single(_rig.BenchReports).BaselineDigest));
    }

    [Fact]
    public async Task A_shadow_that_is_started_again_repeats_no_tick()
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Shadowing));
        await TickedAsync(last: 2);

        await RestartAsync();
        _trials.Ticks = 5;
        _rig.Start();
        await TickedAsync(last: 4);

        Assert.Equal([0, 3], _trials.Shadows.Select(job => job.FirstTick));
        Assert.Equal(5, _rig.ShadowReports.Count);
    }

    [Fact]
    public async Task A_tick_in_which_the_hardware_class_changed_is_no_evidence_and_those_after_it_name_the_new_class()
    {
        await InstallAsync();
        string before = DeviceRig.Hardware.ClassId;
        _trials.Tick = tick =>
        {
            _rig.Now = tick.Tick >= 2 ? DeviceRig.Hardware with { PowerMode = "max" } : DeviceRig.Hardware;
            return tick;
        };
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Shadowing));
        await TickedAsync(last: 2);

        Assert.Equal([0, 2], _trials.Shadows.Select(job => job.FirstTick));
        Assert.Equal([before, before, _rig.Now.ClassId], _rig.ShadowReports.Select(report => report.HardwareClass));
        Assert.NotEqual(before, _rig.Now.ClassId);
        // The fleet hears of it at once, and not with the next tick.
        Assert.Contains(_rig.Outbox.ReadAfter(0, int.MaxValue), message => message.Topic.EndsWith("/reported", StringComparison.Ordinal)
            && Wire.Reported.Parser.ParseFrom(message.Payload).HardwareClass == _rig.Now.ClassId);
    }

    [Fact]
    public async Task A_benchmark_in_which_the_hardware_class_changed_is_measured_anew()
    {
        await InstallAsync();
        _trials.Bench = _ =>
        {
            _rig.Now = DeviceRig.Hardware with { PowerMode = "max" };
            return new TrialResult.Measured(FakeTrials.Evidence("pass"));
        };
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Benchmarked));
        await _rig.UntilPhaseAsync(DeploymentPhase.Benchmarked);

        Assert.Equal([DeviceRig.Hardware.ClassId, _rig.Now.ClassId], _trials.Benches.Select(job => job.HardwareClass));
        Assert.Equal(_rig.Now.ClassId, Assert.Single(_rig.BenchReports).HardwareClass);
    }

    [Theory]
    [InlineData(true, "no-energy-evidence")]
    [InlineData(false, "hungrier-than-baseline")]
    public async Task A_rollout_that_asks_for_energy_is_refused_without_a_meter_and_by_one(bool absent, string code)
    {
        await InstallAsync();
        EnergyEvidence hungry = new() { State = ReadingState.Measured, Ratio = 1.5, Interval = [1.4, 1.6], Margin = 0.1 };
        _trials.Bench = _ => new TrialResult.Measured(absent ? FakeTrials.Evidence("inconclusive") : FakeTrials.Evidence("fail", energy: hungry));
        DesiredDeployment wanted = Wanted.Staged(_candidate, DeploymentGoal.Active);
        _rig.Want(wanted with { Plan = wanted.Plan with { BenchEnergyMargin = 0.1 } });
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.Refused, code), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(0.1, Assert.Single(_trials.Benches).EnergyMargin);
        // What was measured is reported all the same.
        Assert.Single(_rig.BenchReports);
    }

    [Fact]
    public async Task A_candidate_that_is_too_slow_is_refused_with_the_numbers()
    {
        await InstallAsync();
        _trials.Bench = _ => new TrialResult.Measured(FakeTrials.Evidence("fail", ratio: 1.4));
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(DeploymentPhase.Refused, _rig.Record()!.Phase);
        Assert.Equal(FailureCodes.SlowerThanBaseline, _rig.Record()!.Code);
        Assert.Contains("1.4", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Single(_rig.BenchReports);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
    }

    [Theory, InlineData(1, 1), InlineData(9, 9), InlineData(100, 50)]
    public async Task Requests_that_hold_what_no_model_takes_end_no_probation(int requests, int rejected)
    {
        await InstallAsync();
        _runner.Count = (digest, model) => digest == _candidate ? model with { Requests = requests, Rejected = rejected } : model;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.Committed, (long)rejected), (_rig.Record()!.Phase, _rig.Record()!.Probation!.Rejected));
    }

    [Theory]
    [InlineData(FailureCodes.NonFinite, 0), InlineData(FailureCodes.WrongShape, 0), InlineData(FailureCodes.FailedRequests, 0), InlineData(FailureCodes.FailedRequests, 51)]
    public async Task A_candidate_that_misbehaves_on_probation_is_taken_back_at_once_and_off_line(string code, int rejected)
    {
        await InstallAsync();
        _runner.Count = (digest, model) => digest != _candidate ? model : code switch
        {
            FailureCodes.NonFinite => model with { Requests = 100, NonFinite = 1 },
            FailureCodes.WrongShape => model with { Requests = 100, WrongShape = 1 },
            _ => model with { Requests = 100, Failures = rejected > 0 ? 0 : 1, Rejected = rejected },
        };
        // From here on there is no network.
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Staged));
        await _rig.UntilPhaseAsync(DeploymentPhase.Staged);
        _artifacts.Away = true;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(DeploymentPhase.FailedRolledBack, _rig.Record()!.Phase);
        Assert.Equal(code, _rig.Record()!.Code);
        Assert.Equal(code != FailureCodes.FailedRequests, _rig.Record()!.Invariant);
        Assert.Equal(100, _rig.Record()!.Probation!.Requests);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);
        Assert.DoesNotContain(_rig.Reports, report => report.Digest == _candidate.ToString() && report.Phase == Wire.Phase.Committed);
    }

    [Fact]
    public async Task A_digest_that_failed_is_refused_until_its_attempt_goes_up()
    {
        await InstallAsync();
        _runner.DoNotLoad[_candidate] = "cannot be loaded";
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);
        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.DoesNotLoad), (_rig.Record()!.Phase, _rig.Record()!.Code));

        _runner.DoNotLoad.Clear();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active, rollout: "r3"));
        await _rig.UntilAsync(rig => rig.Record() is { RolloutId: "r3", Ended: true });
        Assert.Equal((DeploymentPhase.Refused, FailureCodes.FailedBefore), (_rig.Record()!.Phase, _rig.Record()!.Code));

        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active, rollout: "r3", attempt: 2));
        await _rig.UntilAsync(rig => rig.Record() is { Attempt: 2, Ended: true });
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    [Fact]
    public async Task A_rollback_needs_no_network_and_twice_changes_nothing()
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        _artifacts.Away = true;

        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal((_baseline, _candidate), (_rig.Slots.Read("fashion")!.Active, _rig.Slots.Read("fashion")!.Previous));
        long changes = _rig.Slots.Read("fashion")!.Generation;
        int reconciles = _runner.Reconciles;

        _rig.Want(Wanted.Rollback(_baseline) with { RolloutId = "rb2" });
        await _rig.UntilAsync(rig => rig.Record() is { RolloutId: "rb2", Ended: true });

        Assert.Equal(changes, _rig.Slots.Read("fashion")!.Generation);
        Assert.Equal(reconciles, _runner.Reconciles);
    }

    [Fact]
    public async Task A_rollback_to_golden_past_the_previous_one_needs_no_network_either()
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        Digest next = _artifacts.Publish("fashion", "next");
        await RolloutAsync(next, "r3");
        Assert.Equal((next, _candidate, _baseline), (_rig.Slots.Read("fashion")!.Active, _rig.Slots.Read("fashion")!.Previous, _rig.Slots.Read("fashion")!.Golden));
        _artifacts.Away = true;

        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal((_baseline, next, _baseline), (_rig.Slots.Read("fashion")!.Active, _rig.Slots.Read("fashion")!.Previous, _rig.Slots.Read("fashion")!.Golden));
    }

    [Theory]
    [InlineData(DeploymentGoal.Staged, DeploymentPhase.Staged), InlineData(DeploymentGoal.Benchmarked, DeploymentPhase.Benchmarked)]
    [InlineData(DeploymentGoal.Shadowing, DeploymentPhase.Shadowing)]
    public async Task A_rollback_works_while_a_candidate_is_parked(DeploymentGoal goal, DeploymentPhase parked)
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        Digest next = _artifacts.Publish("fashion", "next");
        _rig.Want(Wanted.Staged(next, goal, rollout: "r5"));
        await _rig.UntilAsync(rig => rig.Record()!.Digest == next && rig.Record()!.Phase == parked);

        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Contains(_rig.Reports, report => report.Digest == next.ToString() && report.Phase == Wire.Phase.Superseded);
    }

    [Fact]
    public async Task A_rollback_in_the_middle_of_a_probation_ends_it()
    {
        await InstallAsync();
        // A clock that stands still: the probation never ends by itself.
        await RestartAsync(time: new ManualTimeProvider());
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        Assert.Equal(_candidate, _runner.Serving("fashion"));

        _rig.Want(Wanted.Rollback(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Contains(_rig.Reports, report => report.Digest == _candidate.ToString() && report.Phase == Wire.Phase.Superseded);
    }

    [Fact]
    public async Task Active_previous_and_golden_are_never_collected()
    {
        await InstallAsync();
        Digest[] later = [.. Enumerable.Range(0, 4).Select(i => _artifacts.Publish("fashion", $"v{i}"))];
        foreach (Digest digest in later)
        {
            await RolloutAsync(digest, rollout: $"r-{digest.Short}");
        }

        Assert.Equal(
            new[] { _baseline, later[^1], later[^2] }.Order(),
            _rig.State.HeldArtifacts().Order());
        foreach (Digest held in _rig.State.HeldArtifacts())
        {
            Assert.Equal(3000, _disk.Length($"{DeviceRig.Root}/artifacts/{held.Hex}/files/model.onnx"));
        }
        // Three models and the labels that they share.
        Assert.Equal(4, _disk.List($"{DeviceRig.Root}/content/sha256").Count);
        Assert.Empty(_disk.List($"{DeviceRig.Root}/content/partial"));
        Assert.Empty(_disk.List($"{DeviceRig.Root}/staging"));
    }

    [Fact]
    public async Task A_runner_that_fell_back_by_itself_is_made_durable()
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        _runner.FallBack("fashion", _candidate, _baseline, "crashed 3 times");

        await RestartAsync(DeviceRig.Patient with { RunnerWatch = TimeSpan.FromDays(29) });
        await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.FailedRolledBack });

        Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);
        Assert.Equal(FailureCodes.CrashLoop, _rig.Record()!.Code);
        Assert.True(_rig.Record()!.Invariant);
        Assert.True(_rig.Files.LoadMemory("fashion").Failed.ContainsKey(_candidate));
    }

    [Fact]
    public async Task A_fall_from_a_digest_that_the_slots_no_longer_name_takes_nothing_back()
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        // An answer that was on its way while the slots changed: the fall is from the digest before.
        _runner.FallBack("fashion", _artifacts.Publish("fashion", "older"), _baseline, "crashed 3 times");
        int asked = _runner.Reconciles;

        await RestartAsync(DeviceRig.Patient with { RunnerWatch = TimeSpan.FromDays(29) });
        await _rig.UntilAsync(_ => _runner.Reconciles > asked);

        Assert.Equal(_candidate, _runner.Serving("fashion"));
        Assert.Equal(_candidate, _rig.Slots.Read("fashion")!.Active);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    [Fact]
    public async Task A_runner_that_is_away_during_an_activation_is_waited_for()
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Benchmarked));
        await _rig.UntilPhaseAsync(DeploymentPhase.Benchmarked);
        _runner.AwayForCalls = 3;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(0, _runner.AwayForCalls);
        Assert.Equal(_candidate, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task A_rollback_waits_for_a_runner_that_stays_away_over_any_number_of_starts_and_is_never_undone()
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        _runner.AwayForCalls = int.MaxValue;

        for (int start = 0; start < DeploymentMachine.MaximumRestartsInPhase + 2; start++)
        {
            Task missed = _runner.MissedAsync(DeviceRig.Patient.MaximumRunnerRetries + 10);
            _rig.Want(Wanted.Rollback(_baseline));
            _rig.Start();
            await missed;
            Assert.Equal((_baseline, DeploymentPhase.Activating), (_rig.Record()!.Digest, _rig.Record()!.Phase));
            // All that a runner needs that starts now.
            Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);
            await KillAsync();
        }
        _runner.AwayForCalls = 0;
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Empty(_rig.Files.LoadMemory("fashion").Failed);
        Assert.DoesNotContain(_rig.Reports, report => report.Phase is Wire.Phase.RollingBack or Wire.Phase.FailedRolledBack);
    }

    [Fact]
    public async Task A_rollback_that_another_wish_overtakes_never_brings_back_what_was_taken_away()
    {
        await InstallAsync();
        await RolloutAsync(_candidate);
        Digest bad = _artifacts.Publish("fashion", "bad");
        await RolloutAsync(bad, "r4");
        _runner.AwayForCalls = int.MaxValue;
        _rig.Want(Wanted.Rollback(_candidate));
        await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.Activating, Reason: DesiredReason.Rollback });
        await _runner.MissedAsync(3);

        Task missed = _runner.MissedAsync(DeviceRig.Patient.MaximumRunnerRetries + 10);
        _rig.Want(Wanted.Rollback(_baseline) with { RolloutId = "rb2" });
        await missed;
        Assert.Equal(_candidate, _rig.Slots.Read("fashion")!.Active);
        int served = _runner.History.Count;
        _runner.AwayForCalls = 0;
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal([_candidate, _baseline], _runner.History[served..]);
    }

    [Fact]
    public async Task An_activation_gives_up_after_a_runner_that_stays_away_and_ends_only_when_what_was_before_serves_again()
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Benchmarked));
        await _rig.UntilPhaseAsync(DeploymentPhase.Benchmarked);
        _runner.AwayForCalls = int.MaxValue;
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilPhaseAsync(DeploymentPhase.RollingBack);

        for (int start = 0; start < DeploymentMachine.MaximumRestartsInPhase + 2; start++)
        {
            Task missed = _runner.MissedAsync(DeviceRig.Patient.MaximumRunnerRetries + 10);
            await KillAsync();
            _rig.Start();
            await missed;
            Assert.Equal(DeploymentPhase.RollingBack, _rig.Record()!.Phase);
            Assert.Equal(_baseline, _rig.Slots.Read("fashion")!.Active);
        }
        _runner.AwayForCalls = 0;
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.RunnerAway), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        // The runner was away; that says nothing of the digest.
        Assert.Empty(_rig.Files.LoadMemory("fashion").Failed);
    }

    [Fact]
    public async Task A_model_that_takes_the_agent_down_again_and_again_is_taken_back()
    {
        await InstallAsync();
        ManualTimeProvider still = new();
        await RestartAsync(time: still);
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        for (int i = 0; i < DeploymentMachine.MaximumRestartsInPhase; i++)
        {
            await KillAsync(still);
            await _rig.UntilAsync(rig => rig.Record() is { Phase: DeploymentPhase.Probation } record && record.Restarts == i + 1);
        }
        await KillAsync(still);
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.CrashLoop), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(_baseline, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task Ordered_restarts_of_the_agent_say_nothing_against_a_candidate()
    {
        await InstallAsync();
        ManualTimeProvider still = new();
        await RestartAsync(time: still);
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        for (int i = 0; i < DeploymentMachine.MaximumRestartsInPhase + 2; i++)
        {
            await RestartAsync(time: still);
            await _rig.UntilAsync(rig => rig.Engine.Workers.SingleOrDefault()?.Record is { Blameless: false });
        }

        Assert.Equal((DeploymentPhase.Probation, 0), (_rig.Record()!.Phase, _rig.Record()!.Restarts));
        Assert.Equal(_candidate, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task A_device_whose_power_comes_and_goes_ends_its_probation_well()
    {
        await InstallAsync();
        ManualTimeProvider time = new();
        await RestartAsync(time: time);
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active) with { Plan = new TrialPlan { ProbationSeconds = 3600 } });
        await _rig.UntilPhaseAsync(DeploymentPhase.Probation);
        int cuts = 0;
        for (; !_rig.Record()!.Ended; cuts++)
        {
            await SleepingAsync(time);
            time.Advance(TimeSpan.FromMinutes(10));
            while (_rig.Record() is { Ended: false, Blameless: false })
            {
                await SleepingAsync(time);
                time.Advance(TimeSpan.FromSeconds(1));
            }
            if (!_rig.Record()!.Ended)
            {
                await KillAsync(time);
                _rig.Start();
            }
        }

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.True(cuts > DeploymentMachine.MaximumRestartsInPhase + 1, $"{cuts} cuts");
        Assert.Equal(_candidate, _runner.Serving("fashion"));
    }

    [Fact]
    public async Task Two_models_never_go_beyond_staged_at_the_same_time()
    {
        await InstallAsync();
        Digest other = _artifacts.Publish("sound", "fp32");
        Digest otherCandidate = _artifacts.Publish("sound", "int8");
        _rig.Want(Wanted.Install(_baseline), Wanted.Install(other, "r7", "sound"));
        await _rig.UntilEndAsync(other, "sound");
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Shadowing), Wanted.Install(other, "r7", "sound"));
        await _rig.UntilPhaseAsync(DeploymentPhase.Shadowing);

        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Shadowing), Wanted.Staged(otherCandidate, DeploymentGoal.Active, "r8", "sound"));
        await _rig.UntilPhaseAsync(DeploymentPhase.Staged, "sound");
        Assert.Single(_trials.Benches);
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active), Wanted.Staged(otherCandidate, DeploymentGoal.Active, "r8", "sound"));
        await _rig.UntilEndAsync(otherCandidate, "sound");

        Assert.Equal(DeploymentPhase.Committed, _rig.Record("sound")!.Phase);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record("fashion")!.Phase);
    }

    [Fact]
    public async Task A_first_install_that_fails_leaves_the_device_as_it_was()
    {
        _runner.DoNotLoad[_baseline] = "cannot be loaded";
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);

        Assert.Equal(DeploymentPhase.FailedRolledBack, _rig.Record()!.Phase);
        Assert.Null(_rig.Slots.Read("fashion"));
        Assert.Null(_runner.Serving("fashion"));
    }

    private DeviceRig NewRig(DeploymentOptions? options = null, TimeProvider? time = null) => new(_disk, _artifacts, _runner, _trials, time, options);

    private async Task InstallAsync()
    {
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private async Task RolloutAsync(Digest digest, string rollout = "r2")
    {
        _rig.Want(Wanted.Staged(digest, DeploymentGoal.Active, rollout));
        await _rig.UntilEndAsync(digest);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    private async Task RestartAsync(DeploymentOptions? options = null, TimeProvider? time = null)
    {
        await _rig.EndAsync();
        _rig.Dispose();
        _rig = NewRig(options, time);
    }

    /// <summary>The agent's process dies at once, and there is another on the same disk. The runner lives on.</summary>
    private async Task KillAsync(TimeProvider? time = null)
    {
        SimulatedDisk survivor = _disk.AfterPowerCut(PowerCutLoss.Nothing);
        // What is left of the process finds no disk to write to.
        await _rig.StopAsync();
        _rig.Dispose();
        _disk = survivor;
        _runner.SwitchDisk(survivor);
        _rig = NewRig(time: time);
    }

    /// <summary>Until the watch over the candidate waits for its next look.</summary>
    private Task SleepingAsync(ManualTimeProvider time) =>
        _rig.EventuallyAsync(rig => rig.Record() is { Ended: true } || time.NextDue <= time.GetUtcNow() + DeviceRig.Patient.ProbationPoll);

    private async Task TickedAsync(long last)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        while (await _trials.Taken.Reader.ReadAsync(limit.Token) != last)
        {
            // Ticks come in order.
        }
    }
}
