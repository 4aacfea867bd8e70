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
    private const string Full = "[ { bench: {} }, { shadow: {} }, { canary: { devices: 1 } }, { full: {} } ]";

    private static RollbackWish Wish(Digest? from = null, Digest? to = null, string selector = "") =>
        new("fashion", from, to, Selector.Parse(selector), "it is bad", "operator");

    private static async Task<RolloutRig> RolledOutAsync(params RigDevice[] devices)
    {
        RolloutRig rig = await RolloutRig.StartAsync(devices);
        RolloutState end = await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full)));
        Assert.Equal(RolloutPhase.Completed, end.Phase);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Candidate, device.Active));
        return rig;
    }

    private static async Task<RollbackRow> OrderAsync(RolloutRig rig, RollbackWish wish) =>
        Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(wish, CancellationToken.None)).Rollback;

    private static Task<IReadOnlyList<RollbackDeviceRow>> DevicesAsync(RolloutRig rig, RollbackRow row) =>
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
    public async Task Ordering_it_twice_changes_nothing_whether_or_not_the_devices_have_followed()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));

        RollbackRow first = await OrderAsync(rig, Wish());
        string before = await PictureAsync(rig);
        RollbackRow second = await OrderAsync(rig, Wish());
        Assert.Equal(before, await PictureAsync(rig));
        await rig.RoundAsync();
        before = await PictureAsync(rig);
        RollbackRow third = await OrderAsync(rig, Wish());

        Assert.Equal((first.Id, first.Id), (second.Id, third.Id));
        Assert.Equal(before, await PictureAsync(rig));
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
    }

    [Fact]
    public async Task To_a_digest_that_no_device_ever_had_nothing_goes_and_nothing_is_changed()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        Digest never = await PublishAsync(rig, 3);
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
        await PublishAsync(rig, 3);
        // As if the second device had another history: what it served before is not what the operator names.
        await rig.Database.WriteAsync(
            "another history", transaction => transaction.Execute("UPDATE slots SET previous = @other WHERE device_id = 'dev-2'", new { other = other.ToString() }), CancellationToken.None);

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
        Digest never = await PublishAsync(rig, 3);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(to: never), CancellationToken.None)).Reason;

        Assert.Contains($"no device serves {RolloutRig.Candidate}, which is what would be taken back; devices serve {RolloutRig.Before} (1 device(s))", reason, StringComparison.Ordinal);
        Assert.Equal(first.Id, (await OrderAsync(rig, Wish(to: RolloutRig.Before))).Id);
        // What it held, it may have back.
        await OrderAsync(rig, Wish(from: RolloutRig.Before, to: RolloutRig.Candidate));
        await rig.RoundAsync();
        Assert.Equal(RolloutRig.Candidate, rig.Devices[0].Active);
    }

    private static async Task<Digest> PublishAsync(RolloutRig rig, byte seed)
    {
        Digest digest = Digest.Of([seed]);
        await rig.Database.WriteAsync(
            "publish",
            transaction => ArtifactStore.Add(
                transaction,
                new ArtifactRow { Digest = digest.ToString(), Model = "fashion", Manifest = System.Text.Encoding.UTF8.GetString(TestArtifacts.Manifest([seed]).ToBytes()) },
                []),
            CancellationToken.None);
        return digest;
    }

    [Fact]
    public async Task A_device_that_is_off_line_is_listed_and_follows_when_it_is_back()
    {
        RigDevice away = new("dev-2", 1);
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), away);
        rig.Streams.Remove(away.Stream!);
        (away.Stream, away.Online) = (null, false);

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

        RollbackRow none = await OrderAsync(rig, Wish(from: RolloutRig.Before));
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

    private static Task<string> PictureAsync(RolloutRig rig) => rig.Database.ReadAsync(
        session => string.Join('\n', session.Query<DesiredModelRow>("SELECT * FROM desired_models ORDER BY device_id")) + "\n"
            + string.Join('\n', AssignmentStore.List(session)) + "\n" + RollbackStore.NextOrdinal(session),
        CancellationToken.None);
}
