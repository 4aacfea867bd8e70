using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>Taking a digest back: who is touched, what newcomers get, and that twice changes nothing.</summary>
public sealed class RollbackTests
{
    internal const string Full = "[ { bench: {} }, { shadow: {} }, { canary: { devices: 1 } }, { full: {} } ]";

    internal static RollbackWish Wish(Digest? from = null, Digest? to = null, string selector = "") =>
        new("fashion", from, to, Selector.Parse(selector), "it is bad", "operator");

    internal static async Task<RolloutRig> RolledOutAsync(params RigDevice[] devices)
    {
        RolloutRig rig = await RolloutRig.StartAsync(devices);
        RolloutState end = await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full)));
        Assert.Equal(RolloutPhase.Completed, end.Phase);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Candidate, device.Active));
        return rig;
    }

    internal static async Task<RollbackRow> OrderAsync(RolloutRig rig, RollbackWish wish) =>
        Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(wish, CancellationToken.None)).Rollback;

    internal static Task<IReadOnlyList<RollbackDeviceRow>> DevicesAsync(RolloutRig rig, RollbackRow row) =>
        rig.Database.ReadAsync(session => RollbackStore.ListDevices(session, row), CancellationToken.None);

    [Fact]
    public async Task Every_device_goes_back_to_what_it_served_before_and_newcomers_get_that_too()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 2));

        RollbackRow row = await OrderAsync(rig, Wish());
        await rig.RoundAsync();

        Assert.Equal(RolloutRig.Candidate.ToString(), row.FromDigest);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
        Assert.All(await DevicesAsync(rig, row), device => Assert.NotNull(device.DoneAt));
        AssignmentRow assignment = Assert.Single(await rig.Database.ReadAsync(AssignmentStore.List, CancellationToken.None));
        Assert.Equal(RolloutRig.Before.ToString(), assignment.Digest);
        Assert.NotNull(await rig.Database.ReadAsync(session => AssignmentStore.FindBar(session, "fashion", RolloutRig.Candidate.ToString()), CancellationToken.None));
    }

    [Fact]
    public async Task Once_every_device_is_back_ordering_it_again_changes_nothing()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));

        RollbackRow first = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        string before = await PictureAsync(rig);
        RollbackRow second = await OrderAsync(rig, Wish());
        await rig.RoundAsync();

        Assert.Equal(first.Id, second.Id);
        Assert.Equal(before, await PictureAsync(rig));
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
    }

    [Fact]
    public async Task A_device_that_failed_to_go_back_is_told_again_each_time_until_it_is_back()
    {
        RigDevice stubborn = new("dev-2", 1);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), stubborn);
        stubborn.FailsToGoBack = true;

        RollbackRow first = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        RollbackDeviceRow failed = Assert.Single(await DevicesAsync(rig, first), device => device.DoneAt is null);
        Assert.Equal(("dev-2", nameof(DeploymentPhase.FailedUnchanged)), (failed.DeviceId, failed.Phase));
        await rig.RoundAsync();
        Assert.Equal(RolloutRig.Candidate, stubborn.Active);

        stubborn.FailsToGoBack = false;
        RollbackRow second = await OrderAsync(rig, Wish());
        RollbackDeviceRow told = Assert.Single(await DevicesAsync(rig, second));
        Assert.Equal("dev-2", told.DeviceId);
        Assert.True(told.Generation > failed.Generation);
        await rig.RoundAsync();

        Assert.Equal(RolloutRig.Before, stubborn.Active);
        Assert.All(await DevicesAsync(rig, second), device => Assert.NotNull(device.DoneAt));
        string before = await PictureAsync(rig);
        Assert.Equal(second.Id, (await OrderAsync(rig, Wish())).Id);
        Assert.Equal(before, await PictureAsync(rig));
    }

    [Fact]
    public async Task What_the_gate_has_taken_back_still_remains_where_a_device_that_serves_it_is_off_line()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        RigDevice away = await FirstToServeAsync(rig);
        rig.Cut(away);
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        await rig.RoundAsync();
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        Assert.Equal(RolloutPhase.Aborted, (await rig.RunToEndAsync(id)).Phase);

        RollbackRow row = await OrderAsync(rig, Wish(from: RolloutRig.Candidate));
        await rig.RoundAsync();
        RollbackDeviceRow remains = Assert.Single(await DevicesAsync(rig, row));
        Assert.Equal((away.Id, null), (remains.DeviceId, remains.DoneAt));

        away.Online = true;
        await rig.RoundAsync();
        Assert.Equal(RolloutRig.Before, away.Active);
        Assert.NotNull(Assert.Single(await DevicesAsync(rig, row)).DoneAt);
    }

    [Fact]
    public async Task A_device_whose_last_word_is_older_than_the_order_to_give_it_up_remains_whatever_that_word_was()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        // Told to activate it, and gone before it could say what it made of that.
        RigDevice first = await FirstToServeAsync(rig);
        RigDevice told = rig.Devices.Single(device => device != first);
        await UntilAsync(rig, () => told.Desired is { Goal: DeploymentGoal.Active } desired && desired.Digest == RolloutRig.Candidate);
        Assert.Equal(RolloutRig.Before, told.Active);
        rig.Cut(told);
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        await rig.RoundAsync();
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "do not wait", "operator", [], CancellationToken.None);
        await rig.RunToEndAsync(id);

        RollbackRow row = await OrderAsync(rig, Wish(from: RolloutRig.Candidate));
        await rig.RoundAsync();
        RollbackDeviceRow remains = Assert.Single(await DevicesAsync(rig, row));
        Assert.Equal((told.Id, null), (remains.DeviceId, remains.DoneAt));

        told.Online = true;
        await rig.RoundAsync();
        Assert.NotNull(Assert.Single(await DevicesAsync(rig, row)).DoneAt);
        Assert.Equal(row.Id, (await OrderAsync(rig, Wish(from: RolloutRig.Candidate))).Id);
    }

    [Fact]
    public async Task A_newcomer_that_has_not_installed_it_yet_gets_what_newcomers_get_then()
    {
        RigDevice serving = new("dev-1", 1), newcomer = new("dev-2", 1) { Online = false };
        await using RolloutRig rig = await RolloutRig.StartAsync([serving, newcomer], provisioned: false);
        serving.Install(RolloutRig.Before);
        await rig.RoundAsync();
        await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full)));
        Assert.Equal(RolloutRig.Candidate.ToString(), (await DesiredAsync(rig, "dev-2"))?.Digest);

        RollbackRow row = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.Equal([("dev-1", true), ("dev-2", false)], (await DevicesAsync(rig, row)).Select(device => (device.DeviceId, device.DoneAt is not null)));

        newcomer.Online = true;
        await UntilAsync(rig, () => newcomer.Active is not null);
        Assert.Equal([RolloutRig.Before], newcomer.Served);
        Assert.All(await DevicesAsync(rig, row), device => Assert.NotNull(device.DoneAt));
    }

    [Fact]
    public async Task A_newcomer_for_whom_nothing_else_is_there_is_told_to_fetch_nothing_where_nobody_serves_it()
    {
        RigDevice gone = new("dev-1", 1), newcomer = new("dev-2", 1) { Online = false };
        await using RolloutRig rig = await RolloutRig.StartAsync([gone, newcomer], provisioned: false);
        await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec("[ { full: {} } ]", "install")));
        Assert.Equal(RolloutRig.Candidate.ToString(), (await DesiredAsync(rig, "dev-2"))?.Digest);
        await rig.Database.WriteAsync("revoke", transaction => DeviceStore.Revoke(transaction, "dev-1", "stolen", 1), CancellationToken.None);

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None));

        Assert.Equal(["dev-2"], ordered.Withdrawn);
        Assert.Null(await DesiredAsync(rig, "dev-2"));
        Assert.Empty(ordered.Untouched);
        newcomer.Online = true;
        await rig.RoundAsync();
        await rig.RoundAsync();
        Assert.Empty(newcomer.Served);
    }

    [Fact]
    public async Task What_one_device_says_that_it_serves_is_shown_and_neither_taken_for_the_newest_nor_given_to_others()
    {
        Digest claimed = Digest.Of([66]);
        RigDevice liar = new("dev-2", 1);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), liar);
        liar.Install(claimed);
        await rig.RoundAsync();
        // As if it had been there before on every device, too.
        await rig.Database.WriteAsync("claims", transaction => transaction.Execute("UPDATE slots SET previous = @claimed", new { claimed = claimed.ToString() }), CancellationToken.None);

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None));

        Assert.Equal(RolloutRig.Candidate.ToString(), ordered.Rollback.FromDigest);
        Assert.Equal([new UnknownDigest(claimed.ToString(), 1)], ordered.Unknown);
        Assert.DoesNotContain(await rig.Database.ReadAsync(AssignmentStore.List, CancellationToken.None), assignment => assignment.Digest == claimed.ToString());
        // Named by a person it is taken back all the same.
        RollbackRow named = await OrderAsync(rig, Wish(from: claimed, to: RolloutRig.Candidate));
        Assert.Contains(await DevicesAsync(rig, named), device => device.DeviceId == "dev-2");
    }

    [Fact]
    public async Task A_controller_that_does_not_know_what_the_fleet_serves_asks_for_its_name_instead_of_barring_something_else()
    {
        Digest later = Digest.Of([66]);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        // As after a database that was restored from before the last rollout.
        foreach (RigDevice device in rig.Devices)
        {
            device.Install(later);
        }
        await rig.RoundAsync();
        await rig.Database.WriteAsync("restored", transaction => transaction.Execute("DELETE FROM desired_models"), CancellationToken.None);
        string before = await PictureAsync(rig);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None)).Reason;

        Assert.Contains($"devices serve {later} (2 device(s)). Name what they serve with --from", reason, StringComparison.Ordinal);
        Assert.Equal(before, await PictureAsync(rig));
        Assert.Null(await rig.Database.ReadAsync(session => AssignmentStore.FindBar(session, "fashion", RolloutRig.Candidate.ToString()), CancellationToken.None));
    }

    [Fact]
    public async Task A_device_never_goes_back_to_what_was_taken_back_itself()
    {
        RigDevice device = new("dev-1", 1);
        await using RolloutRig rig = await RolledOutAsync(device);
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.Equal((RolloutRig.Before, RolloutRig.Candidate), (device.Active, device.Previous));

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(from: RolloutRig.Before), CancellationToken.None)).Reason;

        Assert.Contains($"no device can leave {RolloutRig.Before}: dev-1 holds nothing else but {RolloutRig.Candidate}, which was taken back itself", reason, StringComparison.Ordinal);
        Assert.Equal(RolloutRig.Before, device.Active);
    }

    [Theory, InlineData("threads == \"2\"", RolloutPhase.Completed), InlineData("threads == \"1\"", RolloutPhase.Aborted), InlineData("", RolloutPhase.Aborted)]
    public async Task A_selector_stops_a_running_rollout_only_where_it_means_a_device_of_it(string selector, RolloutPhase expected)
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 2)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, selector: "threads == \"1\""));
        await UntilAsync(rig, () => rig.Devices[0].Desired is not null);

        await OrderAsync(rig, Wish(from: RolloutRig.Candidate, selector: selector));

        Assert.Equal(expected, (await rig.RunToEndAsync(id)).Phase);
    }

    [Fact]
    public async Task Another_digest_is_taken_back_without_stopping_a_rollout_that_has_none_of_its_devices()
    {
        Digest other = Digest.Of([3]);
        RigDevice drawn = new("dev-1", 1), apart = new("dev-2", 2);
        await using RolloutRig rig = await RolloutRig.StartAsync([drawn, apart]);
        await rig.PublishAsync(3);
        apart.Install(other);
        await rig.RoundAsync();
        await rig.Database.WriteAsync("slots", transaction => transaction.Execute("UPDATE slots SET previous = @p WHERE device_id = 'dev-2'", new { p = RolloutRig.Before.ToString() }), CancellationToken.None);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, selector: "threads == \"1\""));
        await UntilAsync(rig, () => drawn.Desired is not null);

        RollbackRow row = await OrderAsync(rig, Wish(from: other));

        Assert.Equal("dev-2", Assert.Single(await DevicesAsync(rig, row)).DeviceId);
        Assert.Equal(RolloutPhase.Completed, (await rig.RunToEndAsync(id)).Phase);
        Assert.Equal(RolloutRig.Candidate, drawn.Active);
    }

    [Fact]
    public async Task A_device_that_was_revoked_is_not_waited_for()
    {
        RigDevice gone = new("dev-2", 1);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), gone);
        rig.Cut(gone);
        RollbackRow row = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.Equal("dev-2", Assert.Single(await OpenAsync()).DeviceId);

        await rig.Database.WriteAsync("revoke", transaction => DeviceStore.Revoke(transaction, "dev-2", "stolen", 1), CancellationToken.None);

        Assert.Empty(await OpenAsync());
        Assert.Equal("dev-1", Assert.Single(await DevicesAsync(rig, row)).DeviceId);

        Task<IReadOnlyList<RollbackDeviceRow>> OpenAsync() => rig.Database.ReadAsync(session => RollbackStore.ListOpen(session, row), CancellationToken.None);
    }

    [Fact]
    public async Task A_device_that_does_not_follow_keeps_no_later_rollout_out()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)]);
        Digest next = await rig.PublishAsync(3);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        RigDevice stubborn = await FirstToServeAsync(rig);
        stubborn.FailsToGoBack = true;
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        for (int i = 0; i < 5; i++)
        {
            await rig.RoundAsync();
        }
        RolloutSpec later = SpecFile.ParseRollout(RolloutRig.Spec(Full).Replace(RolloutRig.Candidate.ToString(), next.ToString(), StringComparison.Ordinal));
        Assert.IsType<RolloutOutcome.Conflict>(await rig.Rollouts.CreateAsync(later, "operator", CancellationToken.None));

        // The rollback takes over: it knows who remains, and the rollout waits for nobody any more.
        RollbackRow row = await OrderAsync(rig, Wish(from: RolloutRig.Candidate));
        await rig.RoundAsync();
        RolloutState ended = await rig.RunToEndAsync(id);

        Assert.Equal(RolloutPhase.Aborted, ended.Phase);
        Assert.Contains($"not back yet: {stubborn.Id}", ended.Classes[0].Reason, StringComparison.Ordinal);
        Assert.Equal((stubborn.Id, null), (Assert.Single(await DevicesAsync(rig, row)).DeviceId, Assert.Single(await DevicesAsync(rig, row)).DoneAt));
        Assert.IsType<RolloutOutcome.Done>(await rig.Rollouts.CreateAsync(later, "operator", CancellationToken.None));
    }

    [Fact]
    public async Task To_a_digest_that_no_device_ever_had_nothing_goes_and_nothing_is_changed()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        Digest never = await rig.PublishAsync(3);
        string before = await PictureAsync(rig);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(to: never), CancellationToken.None)).Reason;
        await rig.RoundAsync();

        Assert.Contains($"none of the 2 device(s) that serve {RolloutRig.Candidate} holds {never}", reason, StringComparison.Ordinal);
        Assert.Contains($"they hold {RolloutRig.Before} (2 device(s)), {RolloutRig.Candidate} (2 device(s))", reason, StringComparison.Ordinal);
        Assert.Equal(before, await PictureAsync(rig));
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Candidate, device.Active));
        Assert.Null(await rig.Database.ReadAsync(session => AssignmentStore.FindBar(session, "fashion", RolloutRig.Candidate.ToString()), CancellationToken.None));
    }

    [Fact]
    public async Task A_digest_that_is_named_goes_only_to_the_devices_that_hold_it_and_the_others_are_listed()
    {
        Digest other = Digest.Of([3]);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 2));
        await rig.PublishAsync(3);
        // As if the second device had another history: what it served before is not what the operator names.
        await rig.Database.WriteAsync(
            "another history", transaction => transaction.Execute("UPDATE slots SET previous = @other, golden = NULL WHERE device_id = 'dev-2'", new { other = other.ToString() }), CancellationToken.None);

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(to: RolloutRig.Before), CancellationToken.None));
        await rig.RoundAsync();

        Assert.Equal(("dev-2", $"does not hold {RolloutRig.Before}"), (Assert.Single(ordered.Untouched).Id, ordered.Untouched[0].Detail));
        Assert.Equal("dev-1", Assert.Single(await DevicesAsync(rig, ordered.Rollback)).DeviceId);
        Assert.Equal([RolloutRig.Before, RolloutRig.Candidate], rig.Devices.Select(device => device.Active));
        Assert.Equal(ordered.Rollback.Id, (await OrderAsync(rig, Wish(to: RolloutRig.Before))).Id);
    }

    [Fact]
    public async Task After_a_rollback_another_digest_is_not_ignored_but_answered()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1));
        RollbackRow first = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Digest never = await rig.PublishAsync(3);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(to: never), CancellationToken.None)).Reason;

        Assert.Contains($"no device serves {RolloutRig.Candidate}, which is what would be taken back; devices serve {RolloutRig.Before} (1 device(s))", reason, StringComparison.Ordinal);
        Assert.Equal(first.Id, (await OrderAsync(rig, Wish(to: RolloutRig.Before))).Id);
        // What it held, it may have back.
        await OrderAsync(rig, Wish(from: RolloutRig.Before, to: RolloutRig.Candidate));
        await rig.RoundAsync();
        Assert.Equal(RolloutRig.Candidate, rig.Devices[0].Active);
    }

    [Fact]
    public async Task A_device_that_is_off_line_is_listed_and_follows_when_it_is_back()
    {
        RigDevice away = new("dev-2", 1);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), away);
        rig.Cut(away);

        RollbackRow row = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        IReadOnlyList<RollbackDeviceRow> devices = await DevicesAsync(rig, row);
        Assert.Equal([("dev-1", true), ("dev-2", false)], devices.Select(device => (device.DeviceId, device.DoneAt is not null)));
        Assert.Equal(RolloutRig.Candidate, away.Active);

        away.Online = true;
        await rig.RoundAsync();
        Assert.Equal(RolloutRig.Before, away.Active);
        Assert.All(await DevicesAsync(rig, row), device => Assert.NotNull(device.DoneAt));
    }

    [Fact]
    public async Task Only_devices_on_the_digest_are_touched_and_a_selector_narrows_them()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 2));
        string generations = Generations(rig);

        RollbackRow none = await OrderAsync(rig, Wish(from: await rig.PublishAsync(3)));
        await rig.RoundAsync();
        Assert.Empty(await DevicesAsync(rig, none));
        Assert.Equal(generations, Generations(rig));

        RollbackRow some = await OrderAsync(rig, Wish(from: RolloutRig.Candidate, selector: "threads == \"2\""));
        await rig.RoundAsync();
        Assert.Equal("dev-2", Assert.Single(await DevicesAsync(rig, some)).DeviceId);
        Assert.Equal(RolloutRig.Candidate, rig.Devices[0].Active);
        Assert.Equal(RolloutRig.Before, rig.Devices[1].Active);
        Assert.Null(await rig.Database.ReadAsync(session => AssignmentStore.FindBar(session, "fashion", RolloutRig.Candidate.ToString()), CancellationToken.None));

        static string Generations(RolloutRig rig) => string.Join(',', rig.Devices.Select(device => device.Generation));
    }

    [Theory, InlineData(4), InlineData(6), InlineData(8), InlineData(12), InlineData(16), InlineData(20)]
    public async Task In_the_middle_of_a_rollout_it_aborts_that_and_every_device_ends_on_the_older_digest(int rounds)
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1), new RigDevice("dev-3", 2)]);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full));
        for (int i = 0; i < rounds; i++)
        {
            await rig.RoundAsync();
        }

        RollbackRow row = await OrderAsync(rig, Wish(from: RolloutRig.Candidate));
        RolloutRow? rollout = await rig.Database.ReadAsync(session => RolloutStore.Find(session, id), CancellationToken.None);
        bool wasOver = rollout!.EndedAt is not null;
        RolloutState end = await rig.RunToEndAsync(id);

        Assert.Equal(wasOver ? RolloutPhase.Completed : RolloutPhase.Aborted, end.Phase);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
        Assert.All(await DevicesAsync(rig, row), device => Assert.NotNull(device.DoneAt));
        Assert.Empty(await rig.ContradictionsAsync());
        // Nothing brings it back by itself.
        string before = await PictureAsync(rig);
        await rig.RoundAsync();
        await rig.RoundAsync();
        Assert.Equal(before, await PictureAsync(rig));
    }

    [Theory, InlineData(CutMoment.BeforeCommit), InlineData(CutMoment.AfterCommit)]
    public async Task A_kill_while_it_is_written_leaves_all_of_it_or_nothing(CutMoment moment)
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        await rig.ObserveAsync(new PowerCut(1, moment));

        await Assert.ThrowsAsync<StoreUnavailableException>(() => rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None));
        await rig.RestartAsync(null);
        await rig.RoundAsync();
        Digest expected = moment == CutMoment.BeforeCommit ? RolloutRig.Candidate : RolloutRig.Before;
        Assert.All(rig.Devices, device => Assert.Equal(expected, device.Active));

        await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
    }

    [Fact]
    public async Task The_digest_comes_again_only_by_a_higher_attempt_and_is_the_newest_again_then()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1));
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();

        RolloutOutcome same = await rig.Rollouts.CreateAsync(SpecFile.ParseRollout(RolloutRig.Spec(Full)), "operator", CancellationToken.None);
        Assert.Contains("spec.attempt is 2", Assert.IsType<RolloutOutcome.Conflict>(same).Reason, StringComparison.Ordinal);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, attempt: 2));
        Assert.Equal(RolloutPhase.Completed, (await rig.RunToEndAsync(id)).Phase);

        Assert.Equal(RolloutRig.Candidate.ToString(), await rig.Database.ReadAsync(session => AssignmentStore.FindNewestActivated(session, "fashion"), CancellationToken.None));
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.Equal(RolloutRig.Before, rig.Devices[0].Active);
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_with_the_reason()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1)], provisioned: false);

        Assert.Contains("nothing was ever activated", await RefusedAsync(Wish()), StringComparison.Ordinal);
        Assert.Contains("are both", await RefusedAsync(Wish(RolloutRig.Before, RolloutRig.Before)), StringComparison.Ordinal);
        Assert.Contains("not a published artifact", await RefusedAsync(Wish(RolloutRig.Before, Digest.Of([99]))), StringComparison.Ordinal);

        async Task<string> RefusedAsync(RollbackWish wish) =>
            Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(wish, CancellationToken.None)).Reason;
    }

    /// <summary>The canary: which device that is, is drawn anew in each run.</summary>
    internal static async Task<RigDevice> FirstToServeAsync(RolloutRig rig)
    {
        await UntilAsync(rig, () => rig.Devices.Any(device => device.Active == RolloutRig.Candidate));
        return rig.Devices.Single(device => device.Active == RolloutRig.Candidate);
    }

    internal static async Task UntilAsync(RolloutRig rig, Func<bool> so)
    {
        for (int round = 0; round < 60 && !so(); round++)
        {
            await rig.RoundAsync();
        }
        Assert.True(so());
    }

    internal static Task<DesiredModelRow?> DesiredAsync(RolloutRig rig, string device) =>
        rig.Database.ReadAsync(session => DesiredStore.Find(session, device, "fashion"), CancellationToken.None);

    internal static Task<string> PictureAsync(RolloutRig rig) => rig.Database.ReadAsync(
        session => string.Join('\n', session.Query<DesiredModelRow>("SELECT * FROM desired_models ORDER BY device_id")) + "\n"
            + string.Join('\n', AssignmentStore.List(session)) + "\n" + RollbackStore.NextOrdinal(session),
        CancellationToken.None);
}
