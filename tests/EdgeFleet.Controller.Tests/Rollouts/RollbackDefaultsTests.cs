using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Stages;
using static EdgeFleet.Controller.Tests.Rollouts.RollbackTests;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>What somebody who was woken at night means by a bare <c>rollback MODEL</c>, and what it never does by itself.</summary>
public sealed class RollbackDefaultsTests
{
    private static Task<string?> BarAsync(RolloutRig rig, Digest digest) =>
        rig.Database.ReadAsync(session => AssignmentStore.FindBar(session, "fashion", digest.ToString()), CancellationToken.None);

    private static Task<RolloutState> RollOutAsync(RolloutRig rig, Digest candidate, int attempt = 1) => RunAsync(rig, candidate, attempt);

    private static async Task<RolloutState> RunAsync(RolloutRig rig, Digest candidate, int attempt) =>
        await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full, attempt: attempt, candidate: candidate)));

    private static async Task RoundsAsync(RolloutRig rig, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            await rig.RoundAsync();
        }
    }

    [Theory, InlineData(0), InlineData(1), InlineData(3), InlineData(5), InlineData(7), InlineData(9), InlineData(12), InlineData(15)]
    public async Task While_a_rollout_runs_it_is_stopped_and_its_candidate_taken_back_at_any_stage(int rounds)
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        Digest next = await rig.PublishAsync(3);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, candidate: next));
        await RoundsAsync(rig, rounds);

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None));
        RolloutState end = await rig.RunToEndAsync(id);

        Assert.Equal(next.ToString(), ordered.Rollback.FromDigest);
        Assert.Equal(end.Phase == RolloutPhase.Completed ? null : id, ordered.Stopped);
        Assert.Contains(end.Phase, (RolloutPhase[])[RolloutPhase.Aborted, RolloutPhase.Completed]);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Candidate, device.Active));
        Assert.NotNull(await BarAsync(rig, next));
        // And again: never on to what was there before it.
        string before = await PictureAsync(rig);
        Assert.Equal(ordered.Rollback.Id, (await OrderAsync(rig, Wish())).Id);
        await RoundsAsync(rig, 2);
        Assert.Equal(before, await PictureAsync(rig));
        Assert.Null(await BarAsync(rig, RolloutRig.Candidate));
    }

    [Fact]
    public async Task A_rollback_of_an_older_rollout_does_not_hide_the_one_that_runs()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        RollbackRow old = await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Digest next = await rig.PublishAsync(3);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, candidate: next));
        await RoundsAsync(rig, 3);

        RollbackRow row = await OrderAsync(rig, Wish());

        Assert.NotEqual(old.Id, row.Id);
        Assert.Equal(RolloutPhase.Aborted, (await rig.RunToEndAsync(id)).Phase);
        Assert.NotNull(await BarAsync(rig, next));
    }

    [Fact]
    public async Task With_to_a_rollout_whose_candidate_nobody_serves_is_named_and_runs_on()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1));
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, candidate: await rig.PublishAsync(3)));
        await RoundsAsync(rig, 2);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(to: RolloutRig.Before), CancellationToken.None)).Reason;

        Assert.Contains($"Rollout {id} brings it and runs on: without --to, this stops it", reason, StringComparison.Ordinal);
        Assert.Equal(RolloutPhase.Completed, (await rig.RunToEndAsync(id)).Phase);
    }

    [Fact]
    public async Task What_a_person_puts_back_by_name_is_barred_no_longer_and_is_the_next_to_be_taken_back()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        Digest next = await rig.PublishAsync(3);
        await RollOutAsync(rig, next);
        await OrderAsync(rig, Wish(to: RolloutRig.Before));
        await rig.RoundAsync();
        Assert.NotNull(await BarAsync(rig, next));

        RollbackOutcome.Ordered put = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(RolloutRig.Before, next), CancellationToken.None));
        await rig.RoundAsync();

        Assert.True(put.Lifted);
        Assert.All(rig.Devices, device => Assert.Equal(next, device.Active));
        Assert.Null(await BarAsync(rig, next));
        Assert.Contains(await rig.Database.ReadAsync(session => session.Query<string>("SELECT subject FROM audit WHERE act = 'bar.lifted'"), CancellationToken.None), subject => subject == next.ToString());
        // Put back once, the wish is fulfilled; and the next bare rollback means it again.
        Assert.Equal(put.Rollback.Id, (await OrderAsync(rig, Wish(RolloutRig.Before, next))).Id);
        RollbackOutcome again = await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None);
        Assert.Contains(next.ToString(), again is RollbackOutcome.Refused refused ? refused.Reason : ((RollbackOutcome.Ordered)again).Rollback.FromDigest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task To_a_digest_that_was_never_taken_back_changes_nothing_in_what_the_newest_is()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1));
        Digest next = await rig.PublishAsync(3);
        await RollOutAsync(rig, next);

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(to: RolloutRig.Before), CancellationToken.None));
        await rig.RoundAsync();

        Assert.False(ordered.Lifted);
        Assert.Equal(next.ToString(), (await OrderAsync(rig, Wish())).FromDigest);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
    }

    [Fact]
    public async Task A_device_that_serves_nothing_and_was_told_nothing_is_none_of_its_business()
    {
        RigDevice blank = new("dev-2", 1), serving = new("dev-1", 1);
        await using RolloutRig rig = await RolloutRig.StartAsync([serving, blank], provisioned: false);
        serving.Install(RolloutRig.Before);
        await rig.RoundAsync();
        await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full, selector: "deviceId == \"dev-1\"")));
        Assert.Equal((RolloutRig.Candidate, null), (serving.Active, blank.Active));

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(to: RolloutRig.Before), CancellationToken.None));
        await rig.RoundAsync();

        Assert.Empty(ordered.Untouched);
        RollbackDeviceRow only = Assert.Single(await DevicesAsync(rig, ordered.Rollback));
        Assert.Equal(("dev-1", true), (only.DeviceId, only.DoneAt is not null));
    }

    [Fact]
    public async Task A_device_whose_previous_was_taken_back_goes_to_its_golden()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        Digest next = await rig.PublishAsync(3);
        await RollOutAsync(rig, next);
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.All(rig.Devices, device => Assert.Equal((RolloutRig.Candidate, next), (device.Active, device.Previous)));

        await OrderAsync(rig, Wish(from: RolloutRig.Candidate));
        await rig.RoundAsync();

        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
        AssignmentRow assignment = Assert.Single(await rig.Database.ReadAsync(AssignmentStore.List, CancellationToken.None));
        Assert.Equal(RolloutRig.Before.ToString(), assignment.Digest);
    }

    [Fact]
    public async Task Where_its_golden_was_taken_back_too_it_is_left_as_it_is_with_the_way_out()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1));
        Digest next = await rig.PublishAsync(3);
        await OrderAsync(rig, Wish(from: RolloutRig.Before));
        await RollOutAsync(rig, next);
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.Equal((RolloutRig.Candidate, next, RolloutRig.Before), (rig.Devices[0].Active, rig.Devices[0].Previous, rig.Devices[0].Golden));
        string before = await PictureAsync(rig);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(from: RolloutRig.Candidate), CancellationToken.None)).Reason;

        Assert.Contains($"dev-1 holds nothing else but {next} and {RolloutRig.Before}, which were taken back themselves (--to {next} puts it there all the same)", reason, StringComparison.Ordinal);
        Assert.Equal(before, await PictureAsync(rig));
        Assert.True(Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(RolloutRig.Candidate, next), CancellationToken.None)).Lifted);
        await rig.RoundAsync();
        Assert.Equal(next, rig.Devices[0].Active);
    }

    [Fact]
    public async Task What_a_rollout_has_taken_back_from_a_device_is_no_place_to_go_back_to_until_a_person_names_it()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1), new RigDevice("dev-2", 1));
        Digest next = await rig.PublishAsync(3);
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, candidate: next));
        await UntilAsync(rig, () => rig.Devices.Any(device => device.Active == next));
        RigDevice canary = rig.Devices.Single(device => device.Active == next);
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "slow", "operator", [], CancellationToken.None);
        await rig.RunToEndAsync(id);
        Assert.Equal((RolloutRig.Candidate, next), (canary.Active, canary.Previous));
        Assert.Null(await BarAsync(rig, next));

        await OrderAsync(rig, Wish(from: RolloutRig.Candidate));
        await rig.RoundAsync();

        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Before, device.Active));
        Assert.True(Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(RolloutRig.Before, next, "deviceId == \"" + canary.Id + "\""), CancellationToken.None)).Lifted);
        await rig.RoundAsync();
        Assert.Equal(next, canary.Active);
        Assert.Equal(next.ToString(), await rig.Database.ReadAsync(session => AssignmentStore.FindNewestActivated(session, "fashion"), CancellationToken.None));
    }

    [Fact]
    public async Task A_new_attempt_stays_barred_until_it_has_proven_itself()
    {
        await using RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1));
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();

        string id = await rig.CreateAsync(RolloutRig.Spec(Full, attempt: 2));
        Assert.NotNull(await BarAsync(rig, RolloutRig.Candidate));
        await rig.RunToEndAsync(id);

        Assert.Null(await BarAsync(rig, RolloutRig.Candidate));
    }

    [Fact]
    public async Task A_digest_that_no_device_can_leave_is_kept_and_so_is_what_newcomers_get()
    {
        RigDevice newcomer = new("dev-2", 1) { Online = false };
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), newcomer], provisioned: false);
        await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec("[ { full: {} } ]", "install")));
        string before = await PictureAsync(rig);

        string reason = Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None)).Reason;

        Assert.Contains($"no device can leave {RolloutRig.Candidate}: dev-1 holds no previous digest. Nothing was changed: the 1 device(s) serve on, it is not barred and newcomers go on getting it", reason, StringComparison.Ordinal);
        Assert.Equal(before, await PictureAsync(rig));
        Assert.Null(await BarAsync(rig, RolloutRig.Candidate));
        newcomer.Online = true;
        await UntilAsync(rig, () => newcomer.Active == RolloutRig.Candidate);
    }

    [Fact]
    public async Task A_first_install_that_runs_is_stopped_and_stays_where_it_serves()
    {
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)], provisioned: false);
        string id = await rig.CreateAsync(RolloutRig.Spec("[ { canary: { devices: 1, approval: true } }, { full: { approval: true } } ]", "install"));
        await rig.RoundAsync();
        await rig.Rollouts.CommandAsync(id, OperatorAct.Approve, "", "operator", [], CancellationToken.None);
        RigDevice first = await FirstToServeAsync(rig);

        RollbackOutcome.Ordered ordered = Assert.IsType<RollbackOutcome.Ordered>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None));
        RolloutState end = await rig.RunToEndAsync(id);

        Assert.Equal((id, false, first.Id), (ordered.Stopped, ordered.Barred, Assert.Single(ordered.Untouched).Id));
        Assert.Equal(RolloutPhase.Aborted, end.Phase);
        Assert.Equal(1, rig.Devices.Count(device => device.Active is not null));
        string before = await PictureAsync(rig);
        Assert.IsType<RollbackOutcome.Refused>(await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None));
        Assert.Equal(before, await PictureAsync(rig));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8), InlineData(9), InlineData(10)]
    public async Task After_whatever_happened_two_rollbacks_are_one_and_no_device_is_put_onto_what_was_taken_back(int seed)
    {
        Random random = new(seed);
        await using RolloutRig rig = await RolloutRig.StartAsync([new RigDevice("dev-1", 1), new RigDevice("dev-2", 1)]);
        List<Digest> digests = [RolloutRig.Before, RolloutRig.Candidate, await rig.PublishAsync(3), await rig.PublishAsync(4)];
        Dictionary<Digest, int> attempts = [];
        List<string> story = [];
        for (int step = 0; step < 8; step++)
        {
            Digest digest = digests[random.Next(digests.Count)];
            switch (random.Next(4))
            {
                case 0 or 1 when rig.Devices.All(device => device.Active != digest):
                    attempts[digest] = attempts.GetValueOrDefault(digest) + 1;
                    string id = await rig.CreateAsync(RolloutRig.Spec(Full, attempt: attempts[digest], candidate: digest));
                    int rounds = random.Next(24);
                    story.Add($"{digest.Short} for {rounds} rounds");
                    await RoundsAsync(rig, rounds);
                    if (random.Next(2) == 0)
                    {
                        await rig.RunToEndAsync(id);
                    }
                    break;
                case 2:
                    Digest to = digests[random.Next(digests.Count)];
                    story.Add($"from {digest.Short} to {to.Short}");
                    await rig.Rollbacks.OrderAsync(Wish(digest, to), CancellationToken.None);
                    await RoundsAsync(rig, random.Next(3));
                    break;
            }
            story.Add("back");
            HashSet<string> barred = [.. await rig.Database.ReadAsync(session => AssignmentStore.ListBarred(session, "fashion"), CancellationToken.None)];
            List<int> served = [.. rig.Devices.Select(device => device.Served.Count)];
            List<Digest?> active = [.. rig.Devices.Select(device => device.Desired?.Goal == DeploymentGoal.Active ? device.Desired?.Digest : device.Active)];
            RollbackOutcome first = await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None);
            await SettleAsync(rig);
            string once = await PictureAsync(rig);
            RollbackOutcome second = await rig.Rollbacks.OrderAsync(Wish(), CancellationToken.None);
            await SettleAsync(rig);

            string told = string.Join("; ", story);
            Assert.True(once == await PictureAsync(rig), $"{told}:\n{once}\n{await PictureAsync(rig)}");
            Assert.Equal(From(first), From(second));
            for (int i = 0; i < rig.Devices.Count; i++)
            {
                // What it was on its way to already is no default.
                Assert.True(rig.Devices[i].Served.Skip(served[i]).All(digest => !barred.Contains(digest.ToString()) || digest == active[i]), told);
            }
            Assert.Empty(await rig.ContradictionsAsync());
        }

        static string? From(RollbackOutcome outcome) => outcome is RollbackOutcome.Ordered ordered ? ordered.Rollback.FromDigest : null;

        static async Task SettleAsync(RolloutRig rig)
        {
            do
            {
                await RoundsAsync(rig, 3);
            }
            while (await rig.Database.ReadAsync(session => RolloutStore.FindRunning(session, "fashion"), CancellationToken.None) is not null);
        }
    }
}
