using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Rollouts.Stages;
using static EdgeFleet.Controller.Tests.Rollouts.RollbackTests;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>A newcomer that is drawn before it has what newcomers get, gets it once the rollout lets it go.</summary>
public sealed class BackToAssignmentTests
{
    private static readonly Digest s_next = Digest.Of([3]);
    private static readonly Digest s_other = Digest.Of([4]);
    private static readonly Digest s_good = Digest.Of([5]);

    // Both devices serve it, and a person is waited for.
    private const string Waits = "[ { bench: { devices: 2 } }, { shadow: {} }, { canary: { devices: 2 } }, { full: { approval: true } } ]";

    /// <summary>A fleet on Candidate, and a device that was replaced by one that serves <paramref name="serves"/> or nothing; it has just been told of Candidate.</summary>
    private static async Task<(RolloutRig Rig, RigDevice Newcomer)> StartAsync(Digest? serves)
    {
        RigDevice newcomer = new("dev-2", 1, harmed: digest => digest == s_next.ToString() || digest == s_other.ToString());
        RolloutRig rig = await RolledOutAsync(new RigDevice("dev-1", 1, harmed: digest => digest == s_next.ToString() || digest == s_other.ToString()), newcomer);
        await rig.PublishAsync(3);
        await rig.PublishAsync(4);
        await rig.PublishAsync(5);
        await rig.Database.WriteAsync("replaced", transaction => transaction.Execute("DELETE FROM desired_models WHERE device_id = 'dev-2'"), CancellationToken.None);
        rig.Cut(newcomer);
        newcomer.Online = true;
        await rig.RoundAsync();
        newcomer.Replace(serves);
        await rig.RoundAsync();
        await rig.Database.WriteAsync(
            "approved", transaction => new Assignments(new DesiredWriter(rig.Streams)).ApplyTo(transaction, DeviceStore.Find(transaction, "dev-2")!), CancellationToken.None);
        Assert.Equal(RolloutRig.Candidate.ToString(), (await DesiredAsync(rig, "dev-2"))?.Digest);
        return (rig, newcomer);
    }

    [Fact]
    public async Task After_one_rollout_that_fails_and_after_two()
    {
        (RolloutRig rig, RigDevice newcomer) = await StartAsync(RolloutRig.Before);
        await using RolloutRig _ = rig;
        foreach (Digest candidate in (Digest[])[s_next, s_other])
        {
            RolloutState end = await rig.RunToEndAsync(await rig.CreateAsync(RolloutRig.Spec(Full, candidate: candidate)));
            Assert.Equal(RolloutPhase.RolledBack, end.Phase);
            Assert.Contains(end.Classes.SelectMany(progress => progress.Devices), device => device.DeviceId == "dev-2");
            Assert.Equal(RolloutRig.Candidate.ToString(), (await DesiredAsync(rig, "dev-2"))?.Digest);
        }

        await UntilAsync(rig, () => newcomer.Active == RolloutRig.Candidate);
        Assert.All(rig.Devices, device => Assert.Equal(RolloutRig.Candidate, device.Active));
        Assert.Empty(await rig.ContradictionsAsync());
    }

    [Fact]
    public async Task A_device_that_is_away_when_the_rollout_ends_first_goes_back_and_then_gets_it()
    {
        (RolloutRig rig, RigDevice newcomer) = await StartAsync(RolloutRig.Before);
        await using RolloutRig _ = rig;
        string id = await rig.CreateAsync(RolloutRig.Spec(Waits, candidate: s_good));
        await UntilAsync(rig, () => newcomer.Active == s_good);
        rig.Cut(newcomer);
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        await rig.RunToEndAsync(id);
        Assert.Equal((RolloutRig.Before.ToString(), id), ((await DesiredAsync(rig, "dev-2"))?.Digest, (await DesiredAsync(rig, "dev-2"))?.RolloutId));

        newcomer.Online = true;
        await UntilAsync(rig, () => newcomer.Active == RolloutRig.Candidate);

        Assert.Equal([s_good, RolloutRig.Before, RolloutRig.Candidate], newcomer.Served.TakeLast(3));
    }

    [Fact]
    public async Task Also_where_an_operators_rollback_stopped_the_rollout()
    {
        (RolloutRig rig, RigDevice newcomer) = await StartAsync(RolloutRig.Before);
        await using RolloutRig _ = rig;
        string id = await rig.CreateAsync(RolloutRig.Spec(Waits, candidate: s_good));
        await UntilAsync(rig, () => newcomer.Active == s_good);

        await OrderAsync(rig, Wish());
        Assert.Equal(RolloutPhase.Aborted, (await rig.RunToEndAsync(id)).Phase);
        await UntilAsync(rig, () => newcomer.Active == RolloutRig.Candidate);

        Assert.Equal([s_good, RolloutRig.Before, RolloutRig.Candidate], newcomer.Served.TakeLast(3));
        string before = await PictureAsync(rig);
        await OrderAsync(rig, Wish());
        await rig.RoundAsync();
        Assert.Equal(before, await PictureAsync(rig));
    }

    [Fact]
    public async Task A_device_that_serves_nothing_gets_it_after_an_install_that_was_aborted()
    {
        (RolloutRig rig, RigDevice newcomer) = await StartAsync(null);
        await using RolloutRig _ = rig;
        string id = await rig.CreateAsync(RolloutRig.Spec("[ { full: {} } ]", "install", candidate: s_next));
        await rig.RoundAsync();
        Assert.Equal(s_next.ToString(), (await DesiredAsync(rig, "dev-2"))?.Digest);

        await rig.Rollouts.CommandAsync(id, OperatorAct.Abort, "", "operator", [], CancellationToken.None);
        await rig.RunToEndAsync(id);

        await UntilAsync(rig, () => newcomer.Active == RolloutRig.Candidate);
        Assert.Equal([RolloutRig.Candidate], newcomer.Served);
    }

    [Fact]
    public async Task What_was_taken_back_meanwhile_is_given_to_nobody()
    {
        (RolloutRig rig, RigDevice newcomer) = await StartAsync(RolloutRig.Before);
        await using RolloutRig _ = rig;
        string id = await rig.CreateAsync(RolloutRig.Spec(Full, candidate: s_next));
        await UntilAsync(rig, () => newcomer.Desired?.Digest == s_next);
        // As a database that has both would be read: barred, and still assigned.
        await rig.Database.WriteAsync("barred", transaction => AssignmentStore.Bar(transaction, "fashion", RolloutRig.Candidate.ToString(), "bad", 1), CancellationToken.None);

        Assert.Equal(RolloutPhase.RolledBack, (await rig.RunToEndAsync(id)).Phase);
        await rig.RoundAsync();

        Assert.Equal(RolloutRig.Before, newcomer.Active);
        Assert.Equal(RolloutRig.Before.ToString(), (await DesiredAsync(rig, "dev-2"))?.Digest);
    }
}
