using EdgeFleet.Controller.Api;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>What the controller adds to the rules: one rollout per model, assignments for those who were away, verdicts that can be computed again.</summary>
public sealed class RolloutTests
{
    private const string Full = "[ { bench: {} }, { shadow: {} }, { canary: { devices: 1 } }, { full: {} } ]";

    [Fact]
    public async Task A_name_that_two_rollouts_have_that_run_is_answered_with_their_ids()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec("[ { bench: {} }, { shadow: {} }, { full: {} } ]"));
        await rig.Database.WriteAsync(
            "another model's",
            transaction => RolloutStore.Add(transaction, RolloutStore.Find(transaction, id)! with { Id = "r99", Ordinal = 99, Model = "other" }),
            CancellationToken.None);

        RolloutOutcome outcome = await rig.Rollouts.CommandAsync("trial", OperatorAct.Pause, "", "operator", [], CancellationToken.None);

        Assert.Contains($"'trial' is the name of 2 rollouts that run: {id} (fashion), r99 (other); name one by its id", Assert.IsType<RolloutOutcome.Conflict>(outcome).Reason, StringComparison.Ordinal);
        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CommandAsync(id, OperatorAct.Pause, "", "operator", [], CancellationToken.None));
    }

    [Fact]
    public async Task A_second_rollout_of_the_same_model_is_refused_while_one_runs_and_names_it()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));

        RolloutOutcome second = await rig.Rollouts.CreateAsync(SpecFile.ParseRollout(RolloutRig.Spec(Full)), "operator", CancellationToken.None);

        Assert.Contains($"'{id}'", Assert.IsType<RolloutOutcome.Conflict>(second).Reason, StringComparison.Ordinal);
        Assert.Single(await rig.Database.ReadAsync(RolloutStore.ListRunning, CancellationToken.None));
    }

    [Fact]
    public async Task A_candidate_that_is_not_published_and_a_policy_that_nobody_wrote_are_refused()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)]);
        RolloutSpec spec = SpecFile.ParseRollout(RolloutRig.Spec(Full));

        Assert.Contains("is not published here", await RefusedAsync(spec with { Candidate = Digest.Of([77]) }), StringComparison.Ordinal);
        Assert.Contains("is of model 'fashion', not 'other'", await RefusedAsync(spec with { Model = "other" }), StringComparison.Ordinal);
        Assert.Contains("policy 'nowhere' is not known", await RefusedAsync(spec with { PolicySpec = null, Policy = "nowhere" }), StringComparison.Ordinal);

        async Task<string> RefusedAsync(RolloutSpec wish) =>
            Assert.IsType<RolloutOutcome.Refused>(await rig.Rollouts.CreateAsync(wish, "operator", CancellationToken.None)).Reason;
    }

    [Fact]
    public async Task A_device_that_was_away_gets_the_new_digest_by_assignment_and_measures_it_first()
    {
        RigDevice away = new("dev-2", 1);
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), away]);
        await SilenceAsync(rig, away);

        RolloutState end = await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full)));
        Assert.Equal(RolloutPhase.Completed, end.Phase);
        Assert.Equal("dev-2", Assert.Single(end.NotDrawn).DeviceId);
        Assert.Equal(RolloutRig.Before, away.Active);

        away.Online = true;
        await rig.RoundAsync();
        DesiredDeployment desired = Assert.IsType<DesiredDeployment>(away.Desired);
        Assert.Equal((RolloutRig.Candidate, DesiredReason.Assignment, false), (desired.Digest, desired.Reason, desired.Plan.Install));
    }

    [Fact]
    public async Task An_install_leaves_alone_what_serves_a_model_already()
    {
        RigDevice serving = new("dev-2", 1);
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), serving], provisioned: false);
        serving.Install(RolloutRig.Before);
        await rig.RoundAsync();

        RolloutState end = await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec("[ { full: {} } ]", "install")));

        Assert.Equal(RolloutPhase.Completed, end.Phase);
        Assert.Equal(RolloutRig.Candidate, rig.Devices[0].Active);
        Assert.Equal(RolloutRig.Before, serving.Active);
        Assert.Equal(0, serving.Generation);
    }

    [Fact]
    public async Task Every_stored_verdict_is_computed_again_to_the_same_bits()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 2)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        await rig.RunToEndAsync(id);

        IReadOnlyList<VerdictRow> rows = await rig.Database.ReadAsync<IReadOnlyList<VerdictRow>>(
            session => [.. RolloutStore.ListVerdictNumbers(session, id).Select(seq => RolloutStore.FindVerdict(session, id, seq)!)], CancellationToken.None);
        Assert.True(rows.Count >= 8, $"{rows.Count} verdicts");
        foreach (VerdictRow row in rows)
        {
            StoredVerdict stored = RolloutDocumentCodec.ReadVerdict(row.Stored);
            Assert.True(Gate.Recompute(stored).Same, $"verdict {row.Seq}: {stored.Verdict.Reason}");
            // The control: one disagreement more gives other bits.
            if (stored.Input.Devices.Any(device => device.Evidence is not null))
            {
                GateInput moved = stored.Input with { Devices = [.. stored.Input.Devices.Select(device => device with { Evidence = device.Evidence is { } e ? e with { Disagreements = e.Disagreements + 1 } : null })] };
                Assert.False(Gate.Recompute(stored with { Input = moved }).Same);
            }
        }
    }

    [Fact]
    public async Task Ticks_that_were_measured_as_another_hardware_class_are_no_evidence_and_the_verdict_says_so()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1) { ElsewhereAt = tick => tick is >= 2 and < 6 }]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        RolloutState end = await rig.RunToEndAsync(id);

        Assert.Equal(RolloutPhase.Completed, end.Phase);
        List<StoredVerdict> verdicts = await rig.Database.ReadAsync<List<StoredVerdict>>(
            session => [.. RolloutStore.ListVerdictNumbers(session, id).Select(seq => RolloutDocumentCodec.ReadVerdict(RolloutStore.FindVerdict(session, id, seq)!.Stored))], CancellationToken.None);
        Assert.All(verdicts, v => Assert.All(v.Input.Devices, device => Assert.True(device.Evidence is not { } e || 100 * e.Disagreements < e.Pairs)));
        Assert.Contains(verdicts, v => v.Verdict.Missing.Any(m => m is { Code: "otherHardware", Subject: "dev-2" } && m.Detail.Contains("another-class", StringComparison.Ordinal)));
        StoredVerdict promoted = verdicts.Single(v => v.Verdict is { Stage: StageKind.Shadow, Decision: GateDecision.Promote });
        Assert.Contains(promoted.Verdict.Warnings, warning => warning.StartsWith("dev-2: 4 tick(s)", StringComparison.Ordinal));
        Assert.True(Gate.Recompute(promoted).Same);
    }

    [Fact]
    public async Task Pause_resume_and_abort_do_what_they_say_and_are_audited()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CommandAsync(id, OperatorAct.Pause, "lunch", "operator", [], CancellationToken.None));
        for (int i = 0; i < 5; i++)
        {
            await rig.RoundAsync();
        }
        Assert.All(rig.Devices, device => Assert.Null(device.Desired));

        Assert.Equal("paused", await StateAsync(rig, id));
        RolloutOutcome twice = await rig.Rollouts.CommandAsync(id, OperatorAct.Pause, "", "operator", [], CancellationToken.None);
        Assert.Contains("'trial'", Assert.IsType<RolloutOutcome.Conflict>(twice).Reason, StringComparison.Ordinal);
        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CommandAsync("trial", OperatorAct.Resume, "", "operator", [], CancellationToken.None));
        for (int i = 0; i < 5; i++)
        {
            await rig.RoundAsync();
        }
        Assert.Contains(rig.Devices, device => device.Desired?.Digest == RolloutRig.Candidate);

        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "changed my mind", "operator", [], CancellationToken.None));
        Assert.Equal(RolloutPhase.Aborted, (await rig.RunToEndAsync(id)).Phase);
        Assert.All(rig.Devices, device => Assert.Equal([RolloutRig.Before], device.Served));
        Assert.IsType<RolloutOutcome.Conflict>(await rig.Rollouts.CommandAsync(id, OperatorAct.Approve, "", "operator", [], CancellationToken.None));
        Assert.IsType<RolloutOutcome.Unknown>(await rig.Rollouts.CommandAsync("r99", OperatorAct.Approve, "", "operator", [], CancellationToken.None));
        IReadOnlyList<AuditEntry> audit = await rig.Database.ReadAsync(session => AuditStore.List(session, 0, 100), CancellationToken.None);
        Assert.Equal(
            ["rollout.created", "rollout.pause", "rollout.resume", "rollout.abort", "rollout.ended"],
            audit.Select(entry => entry.Act).Where(act => act.StartsWith("rollout.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_a_device_was_told_to_go_back_to_is_not_taken_for_the_candidate()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)]);
        string shadow = await rig.CreateAsync(RolloutRig.Spec(Full));
        await UntilAsync(rig, shadow, "shadowing");
        await AbortAsync(rig, shadow);
        Assert.Equal(["superseded", "superseded"], await PhasesAsync(rig, shadow));

        string canary = await rig.CreateAsync(RolloutRig.Spec(Full, attempt: 2));
        await UntilAsync(rig, canary, "committed");
        await AbortAsync(rig, canary);
        Assert.Equal(["rolledBack", "superseded"], (await PhasesAsync(rig, canary)).Order());
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
    }

    [Fact]
    public async Task A_device_that_refused_is_shown_as_refused_after_it_kept_what_it_had()
    {
        RigDevice refuses = new("dev-2", 2) { Refuses = true };
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), refuses]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));

        Assert.Equal(RolloutPhase.Completed, (await rig.RunToEndAsync(id)).Phase);
        Assert.Equal(["committed", "refused"], await PhasesAsync(rig, id));
    }

    [Fact]
    public async Task A_rollout_that_is_over_begins_again_as_the_next_attempt_and_one_that_runs_does_not()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        await UntilAsync(rig, id, "shadowing");
        RolloutOutcome running = (await rig.Rollouts.RetryAsync(id, "operator", CancellationToken.None)).Outcome;
        Assert.Contains($"rollout '{id}' (trial) of model 'fashion' is Running; one at a time", Assert.IsType<RolloutOutcome.Conflict>(running).Reason, StringComparison.Ordinal);
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "not tonight", "operator", [], CancellationToken.None);
        RolloutState first = await rig.RunToEndAsync(id);
        Assert.Equal(RolloutPhase.Aborted, first.Phase);

        // As it was written it is refused, and the way out is named.
        RolloutOutcome same = await rig.Rollouts.CreateAsync(SpecFile.ParseRollout(RolloutRig.Spec(Full)), "operator", CancellationToken.None);
        Assert.Contains("until spec.attempt is 2 or higher", Assert.IsType<RolloutOutcome.Conflict>(same).Reason, StringComparison.Ordinal);
        RolloutOutcome.Done again = Assert.IsType<RolloutOutcome.Done>((await rig.Rollouts.RetryAsync("trial", "operator", CancellationToken.None)).Outcome);
        RolloutState second = await rig.RunToEndAsync(again.RolloutId);

        Assert.Equal((RolloutPhase.Completed, 2), (second.Phase, second.Spec.Attempt));
        Assert.Equal((first.MarginsHash, first.Policy), (second.MarginsHash, second.Policy));
        Assert.NotEqual(first.Seed, second.Seed);
        Assert.Equal(RolloutRig.Candidate, rig.Devices[0].Active);
        Assert.IsType<RolloutOutcome.Unknown>((await rig.Rollouts.RetryAsync("r99", "operator", CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task A_rollout_that_only_a_person_can_move_on_says_so()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full.Replace("devices: 1", "devices: 1, approval: true", StringComparison.Ordinal)));
        await UntilAsync(rig, id, "shadowing");
        Assert.Equal("running", await StateAsync(rig, id));
        for (int i = 0; i < 20; i++)
        {
            await rig.RoundAsync();
        }
        Assert.Equal("awaitingApproval", await StateAsync(rig, id));
        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CommandAsync(id, OperatorAct.Approve, "", "operator", [], CancellationToken.None));
        Assert.Equal("running", await StateAsync(rig, id));
        await rig.RunToEndAsync(id);
        Assert.Equal("completed", await StateAsync(rig, id));
    }

    [Fact]
    public async Task A_class_at_work_is_shown_with_the_reason_of_today()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full).Replace("shadowSeconds: 0", "shadowSeconds: 60", StringComparison.Ordinal));
        await UntilAsync(rig, id, "shadowing");
        for (int i = 0; i < 20; i++)
        {
            await rig.RoundAsync();
        }

        (string saved, string now, RolloutDocument shown) = await rig.Database.ReadAsync(
            session =>
            {
                RolloutRow row = RolloutStore.Find(session, id)!;
                RolloutState state = RolloutDocumentCodec.ReadState(row.State);
                IReadOnlyList<GateVerdict> current = RolloutReconciler.Decide(state, rig.NewReader().Read(session, state, rig.Now)).Current;
                return (state.Classes[0].Reason, current[0].Reason, RolloutView.Whole(session, row, rig.Streams, current, 1));
            },
            CancellationToken.None);
        Assert.NotEqual(saved, now);
        Assert.Equal(now, shown.Classes[0].Reason);
        Assert.Contains(now, shown.Reason, StringComparison.Ordinal);
        ThresholdDocument disagreement = shown.Classes[0].Thresholds.Single(t => t.Metric == "disagreement");
        Assert.True(disagreement.Effective > disagreement.Margin, $"{disagreement}");
    }

    private static Task<string> StateAsync(RolloutRig rig, string id) =>
        rig.Database.ReadAsync(session => RolloutView.Summary(RolloutStore.Find(session, id)!).State, CancellationToken.None);

    private static async Task AbortAsync(RolloutRig rig, string id)
    {
        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "enough", "operator", [], CancellationToken.None));
        await rig.RunToEndAsync(id);
    }

    private static async Task UntilAsync(RolloutRig rig, string id, string phase)
    {
        for (int round = 0; !(await PhasesAsync(rig, id)).Contains(phase, StringComparer.Ordinal); round++)
        {
            Assert.True(round < 60, $"no device is {phase}");
            await rig.RoundAsync();
        }
    }

    /// <summary>As the list of devices tells it; that of the counts must be the same.</summary>
    private static Task<IReadOnlyList<string>> PhasesAsync(RolloutRig rig, string id) => rig.Database.ReadAsync<IReadOnlyList<string>>(
        session =>
        {
            RolloutRow row = RolloutStore.Find(session, id)!;
            RolloutDocument whole = RolloutView.Whole(session, row, rig.Streams, [], 100);
            string[] phases = [.. whole.Devices.Select(device => device.Phase)];
            Assert.Equal(
                phases.GroupBy(phase => phase).ToDictionary(g => g.Key, g => g.Count()),
                whole.Classes.SelectMany(c => c.Phases).GroupBy(p => p.Key).ToDictionary(g => g.Key, g => g.Sum(p => p.Value)));
            return phases;
        },
        CancellationToken.None);

    private static async Task SilenceAsync(RolloutRig rig, RigDevice device)
    {
        rig.Streams.Remove(device.Stream!);
        (device.Stream, device.Online) = (null, false);
        // As if it had last been heard of a day ago, by a controller that has run all the time.
        await rig.Database.WriteAsync(
            "age", transaction => transaction.Execute("UPDATE devices SET reported_at = NULL, last_seen_at = NULL, presence_at = NULL WHERE id = @Id", new { device.Id }), CancellationToken.None);
    }
}
