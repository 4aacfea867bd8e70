using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing.Files;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>A device that gets its first model while the fleet already wants the next: it has nothing else to serve.</summary>
public sealed class OvertakenInstallTests : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeRunner _runner;
    private readonly Digest _first;
    private readonly Digest _next;
    private readonly DeviceRig _rig;
    private readonly List<string> _gaps = [];

    public OvertakenInstallTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _first = _artifacts.Publish("fashion", "fp32");
        _next = _artifacts.Publish("fashion", "int8");
        _rig = new DeviceRig(_disk, _artifacts, _runner, new FakeTrials());
        _rig.Engine.PhaseSaved += record =>
        {
            if (_runner.History.Count > 0 && _runner.Serving("fashion") is null)
            {
                _gaps.Add($"nothing is served in {record.Phase} of {record.Digest.Short}");
            }
        };
    }

    public void Dispose() => _rig.Dispose();

    public static TheoryData<DeploymentPhase, DeploymentGoal, DesiredReason> Moments
    {
        get
        {
            TheoryData<DeploymentPhase, DeploymentGoal, DesiredReason> moments = [];
            foreach (DeploymentPhase phase in new[] { DeploymentPhase.Activating, DeploymentPhase.Probation })
            {
                moments.Add(phase, DeploymentGoal.Staged, DesiredReason.Rollout);
                moments.Add(phase, DeploymentGoal.Benchmarked, DesiredReason.Rollout);
                moments.Add(phase, DeploymentGoal.Shadowing, DesiredReason.Rollout);
                moments.Add(phase, DeploymentGoal.Active, DesiredReason.Rollout);
                moments.Add(phase, DeploymentGoal.Active, DesiredReason.Assignment);
                moments.Add(phase, DeploymentGoal.Active, DesiredReason.Rollback);
            }
            return moments;
        }
    }

    [Theory, MemberData(nameof(Moments))]
    public async Task A_first_install_that_is_overtaken_serves_until_the_next_model_does(DeploymentPhase moment, DeploymentGoal goal, DesiredReason reason)
    {
        DesiredDeployment next = Wanted.Staged(_next, goal) with { Reason = reason };
        await OvertakeAsync(moment, next);
        DeploymentPhase parked = goal switch
        {
            DeploymentGoal.Staged => DeploymentPhase.Staged,
            DeploymentGoal.Benchmarked => DeploymentPhase.Benchmarked,
            DeploymentGoal.Shadowing => DeploymentPhase.Shadowing,
            _ => DeploymentPhase.Committed,
        };
        await _rig.UntilAsync(rig => rig.Record() is { } record && record.Digest == _next && record.Phase == parked);

        Assert.Empty(_gaps);
        Assert.Equal(_first, _rig.Record()!.Before);
        Assert.Equal(goal == DeploymentGoal.Active ? _next : _first, _runner.Serving("fashion"));
        Assert.Equal(_runner.Serving("fashion"), _rig.Slots.Read("fashion")!.Active);
        Wire.DeploymentReport end = _rig.Reports.Last(report => report.Digest == _first.ToString());
        Assert.Equal((Wire.Phase.Superseded, FailureCodes.KeptServing), (end.Phase, end.Code));
        Assert.Contains(_next.Short, end.Detail, StringComparison.Ordinal);
        await _rig.StopAsync();
    }

    [Fact]
    public async Task What_fails_after_an_overtaken_install_falls_back_to_it()
    {
        _runner.Count = (digest, model) => digest == _next ? model with { Requests = 9, NonFinite = 1 } : model;
        await OvertakeAsync(DeploymentPhase.Probation, Wanted.Staged(_next, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_next);

        Assert.Empty(_gaps);
        Assert.Equal((DeploymentPhase.FailedRolledBack, FailureCodes.NonFinite), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Equal(_first, _runner.Serving("fashion"));
        Assert.Equal(_first, _rig.Slots.Read("fashion")!.Active);
        await _rig.StopAsync();
    }

    [Fact]
    public async Task An_overtaken_install_that_is_wanted_again_passes_its_probation_before_it_is_committed()
    {
        await OvertakeAsync(DeploymentPhase.Probation, Wanted.Staged(_next, DeploymentGoal.Benchmarked));
        await _rig.UntilPhaseAsync(DeploymentPhase.Benchmarked);
        Assert.Null(_rig.Slots.Read("fashion")!.Golden);

        _rig.Want(Wanted.Install(_first, "r3"));
        await _rig.UntilAsync(rig => rig.Record() is { RolloutId: "r3", Ended: true });

        Assert.Empty(_gaps);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.True(_rig.Record()!.ProbationSeconds > 0);
        Assert.Equal((_first, _first), (_rig.Slots.Read("fashion")!.Active, _rig.Slots.Read("fashion")!.Golden));
        await _rig.StopAsync();
    }

    [Fact]
    public async Task An_overtaken_install_that_does_not_load_is_no_baseline_and_the_next_one_is_installed()
    {
        _runner.DoNotLoad[_first] = "opset 99";
        await OvertakeAsync(DeploymentPhase.Activating, Wanted.Install(_next, "r2"));
        await _rig.UntilEndAsync(_next);

        Assert.Contains(_rig.Reports, report => report.Digest == _first.ToString() && report.Phase == Wire.Phase.FailedRolledBack && report.Code == FailureCodes.DoesNotLoad);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal(_next, _runner.Serving("fashion"));
        await _rig.StopAsync();
    }

    [Fact]
    public async Task A_first_install_that_nothing_wants_any_more_is_taken_off_the_device()
    {
        _rig.Engine.PhaseSaved += record =>
        {
            if (record.Phase == DeploymentPhase.Probation)
            {
                _rig.Want();
            }
        };
        _rig.Want(Wanted.Install(_first));
        await _rig.UntilEndAsync(_first);

        Assert.Equal((DeploymentPhase.Superseded, FailureCodes.NotWanted), (_rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Null(_runner.Serving("fashion"));
        await _rig.StopAsync();
    }

    [Fact]
    public async Task Slots_that_are_lost_after_an_install_was_overtaken_name_it_again()
    {
        await OvertakeAsync(DeploymentPhase.Probation, Wanted.Staged(_next, DeploymentGoal.Staged));
        await _rig.UntilPhaseAsync(DeploymentPhase.Staged);
        await _rig.StopAsync();
        DeploymentRecord kept = _rig.Record()! with { Digest = _first, Before = null, Phase = DeploymentPhase.Superseded, Code = FailureCodes.KeptServing };
        new DeploymentFiles(_rig.State, Microsoft.Extensions.Logging.Abstractions.NullLogger<DeploymentFiles>.Instance).Save(kept);
        _rig.Slots.Clear("fashion");
        _runner.Restart(_disk);
        Assert.Null(_runner.Serving("fashion"));

        using DeviceRig again = new(_disk, _artifacts, _runner, new FakeTrials());
        await again.UntilAsync(rig => rig.Record()?.Digest == _next);

        Assert.Equal(_first, _runner.Serving("fashion"));
        await again.StopAsync();
    }

    /// <summary>The other wish is there as soon as this phase of the first install is on disk.</summary>
    private async Task OvertakeAsync(DeploymentPhase moment, DesiredDeployment next)
    {
        bool asked = false;
        _rig.Engine.PhaseSaved += record =>
        {
            if (!asked && record.Digest == _first && record.Phase == moment)
            {
                asked = true;
                _rig.Want(next);
            }
        };
        _rig.Want(Wanted.Install(_first));
        await _rig.UntilAsync(_ => asked);
    }
}
