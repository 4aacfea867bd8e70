using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>A candidate that answers a share of requests while it is compared.</summary>
public sealed class RequestShareJourneyTests : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeTrials _trials = new();
    private readonly FakeRunner _runner;
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private readonly DeviceRig _rig;

    public RequestShareJourneyTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials);
        _rig.Start();
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task The_share_begins_with_the_stage_that_asks_for_it_and_ends_before_the_candidate_is_activated()
    {
        TaskCompletionSource shared = new(TaskCreationOptions.RunContinuationsAsynchronously);
        long requests = 0;
        _runner.Share = share =>
        {
            requests += share.Percent > 0 ? 20 : 0;
            shared.TrySetResult();
            return Report(requests - (requests / 20), requests / 20);
        };
        _trials.Ticks = 1;
        await ToShadowAsync(percent: 0);
        Assert.Empty(_runner.Shares);

        _trials.Ticks = 2;
        _rig.Want(With(Wanted.Staged(_candidate, DeploymentGoal.Shadowing), 5));
        await shared.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(1, await _trials.Taken.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        _rig.Want(Wanted.Staged(_candidate, DeploymentGoal.Active));
        await _rig.UntilEndAsync(_candidate);

        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
        Assert.Equal([5, 0], _runner.Shares);
        ShadowTick[] ticks = [.. _rig.ShadowReports.Select(report => System.Text.Json.JsonSerializer.Deserialize(report.Tick.Span, EvidenceJsonContext.Default.ShadowTick)!)];
        Assert.Equal([null, 5d], ticks.Select(tick => tick.Arms?.Percent));
    }

    [Fact]
    public async Task A_candidate_that_broke_an_invariant_in_its_share_ends_there_and_the_baseline_serves_on()
    {
        int asked = 0;
        _runner.Share = share => ++asked < 4 ? Report(19, 1) : Report(19, 1) with { Code = "non-finite", Reason = "an answer was not finite", Invariant = true };
        await ToShadowAsync(percent: 5, until: DeploymentPhase.FailedUnchanged);

        Assert.Equal((FailureCodes.NonFinite, true), (_rig.Record()!.Code, _rig.Record()!.Invariant));
        Assert.Contains("while it answered 5 % of the requests", _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Equal((_baseline, 0d), (_runner.Serving("fashion"), _runner.Shares[^1]));
    }

    [Fact]
    public async Task A_device_without_memory_for_a_second_session_refuses_with_the_figures()
    {
        _runner.Share = _ => Report(0, 0) with { Code = "no-memory", Reason = "100 of 1000 MiB can be had" };
        await ToShadowAsync(percent: 5, until: DeploymentPhase.Refused);

        Assert.Equal((FailureCodes.NoMemory, "100 of 1000 MiB can be had"), (_rig.Record()!.Code, _rig.Record()!.Detail));
    }

    [Fact]
    public async Task A_runner_that_knows_no_shares_is_not_taken_for_one_that_harmed_nobody()
    {
        await ToShadowAsync(percent: 5, until: DeploymentPhase.Refused);
        Assert.Equal(FailureCodes.NoShares, _rig.Record()!.Code);
    }

    [Fact]
    public async Task A_runner_that_keeps_ending_while_the_candidate_has_its_share_is_the_candidates_doing()
    {
        int asked = 0;
        _runner.Share = _ => Report(19, 1) with { StartedAt = DateTimeOffset.UnixEpoch.AddMinutes(++asked) };
        await ToShadowAsync(percent: 5, until: DeploymentPhase.FailedUnchanged);

        Assert.Equal((FailureCodes.CrashLoop, true), (_rig.Record()!.Code, _rig.Record()!.Invariant));
    }

    private static RequestShareReport Report(long baseline, long candidate) => new()
    {
        StartedAt = DateTimeOffset.UnixEpoch, Baseline = new ArmCounts { Requests = baseline }, Candidate = new ArmCounts { Requests = candidate },
    };

    private static DesiredDeployment With(DesiredDeployment desired, double percent) => desired with { Plan = desired.Plan with { ServePercent = percent } };

    private async Task ToShadowAsync(double percent, DeploymentPhase until = DeploymentPhase.Shadowing)
    {
        _rig.Want(Wanted.Install(_baseline));
        await _rig.UntilEndAsync(_baseline);
        _rig.Want(With(Wanted.Staged(_candidate, DeploymentGoal.Shadowing), percent));
        await _rig.UntilPhaseAsync(until);
        if (until == DeploymentPhase.Shadowing)
        {
            await _trials.Taken.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        }
    }
}
