using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>
/// The controller is killed before and after each commit of a rollout, one after the other, and each time the rollout ends as
/// if nothing had happened.
/// </summary>
public sealed class PowerCutTests
{
    private const string Staged = "[ { bench: {} }, { shadow: {} }, { canary: { devices: 1 } }, { full: {} } ]";
    private const string Install = "[ { canary: { devices: 1 } }, { full: {} } ]";

    private static RigDevice[] Fleet() => [new("dev-1", 1), new("dev-2", 1)];

    private static RigDevice[] HarmedFleet() => [.. Fleet().Select(device => new RigDevice(device.Id, 1, digest => digest == RolloutRig.Candidate.ToString()))];

    [Theory, InlineData(CutMoment.BeforeCommit), InlineData(CutMoment.AfterCommit)]
    public Task A_staged_rollout_ends_the_same_wherever_the_controller_is_killed(CutMoment moment) =>
        EnumerateAsync(Fleet, Staged, "staged", provisioned: true, moment, RolloutPhase.Completed);

    [Theory, InlineData(CutMoment.BeforeCommit), InlineData(CutMoment.AfterCommit)]
    public Task An_install_ends_the_same_wherever_the_controller_is_killed(CutMoment moment) =>
        EnumerateAsync(Fleet, Install, "install", provisioned: false, moment, RolloutPhase.Completed);

    [Theory, InlineData(CutMoment.BeforeCommit), InlineData(CutMoment.AfterCommit)]
    public Task A_harmful_candidate_is_taken_back_wherever_the_controller_is_killed(CutMoment moment) =>
        EnumerateAsync(HarmedFleet, Staged, "staged", provisioned: true, moment, RolloutPhase.RolledBack);

    [Fact]
    public async Task Telling_devices_before_the_store_has_it_is_seen_to_lose_decisions()
    {
        int contradictions = 0;
        for (int commit = 1; commit <= 12; commit++)
        {
            await using RolloutRig rig = await RolloutRig.StartAsync(Fleet());
            rig.TellsFirst = true;
            string id = await rig.CreateAsync(RolloutRig.Spec(Staged));
            await rig.ObserveAsync(new PowerCut(commit, CutMoment.BeforeCommit));
            for (int round = 0; round < 12 && rig.Restarts == 0; round++)
            {
                await rig.RoundAsync();
            }
            contradictions += (await rig.ContradictionsAsync()).Count;
            Assert.NotEmpty(id);
        }
        Assert.True(contradictions > 0, "the rig cannot see a decision that was told and lost");
    }

    private static async Task EnumerateAsync(Func<RigDevice[]> fleet, string stages, string strategy, bool provisioned, CutMoment moment, RolloutPhase expected)
    {
        string spec = RolloutRig.Spec(stages, strategy);
        (string whole, int commits) = await RunAsync(fleet, spec, provisioned, new PowerCut(), expected);
        Assert.True(commits >= 10, $"only {commits} commits: the rollout did not go through its stages");
        for (int commit = 1; commit <= commits; commit++)
        {
            (string cut, _) = await RunAsync(fleet, spec, provisioned, new PowerCut(commit, moment), expected);
            Assert.True(whole == cut, $"killed {moment} {commit} of {commits}:\n{cut}\nuninterrupted:\n{whole}");
        }
    }

    private static async Task<(string Picture, int Commits)> RunAsync(Func<RigDevice[]> fleet, string spec, bool provisioned, PowerCut cut, RolloutPhase expected)
    {
        await using RolloutRig rig = await RolloutRig.StartAsync(fleet(), provisioned);
        await rig.ObserveAsync(cut);
        string id = await rig.CreateAsync(spec);
        RolloutState end = await rig.RunToEndAsync(id);

        Assert.Equal(expected, end.Phase);
        Assert.Empty(await rig.ContradictionsAsync());
        Assert.True(rig.Restarts <= 1);
        // Steps of the rollout happen once each. Which device's evidence was seen first may differ: a kill delays some of it.
        string events = await rig.Database.ReadAsync(
            session => string.Join('\n', RolloutStore.ListEvents(session, id, 0, 1000)
                .Where(e => e.Kind is "created" or "devicesDrawn" || e.Kind.StartsWith("stage", StringComparison.Ordinal)
                    || e.Kind.StartsWith("class", StringComparison.Ordinal) || e.Kind.StartsWith("rollout", StringComparison.Ordinal))
                .Select(e => $"{e.HardwareClass} {e.Kind}").Order(StringComparer.Ordinal)), CancellationToken.None);
        string assignments = await rig.Database.ReadAsync(
            session => string.Join('\n', AssignmentStore.List(session).Select(a => $"{a.Model} {a.Selector} {a.Digest}")), CancellationToken.None);
        string devices = string.Join('\n', rig.Devices.Select(device => $"{device.Id} served {string.Join(" then ", device.Served.Select(d => d.Short))}; desired {device.Desired?.Digest} {device.Desired?.Goal}; {device.Outbox.Count} unacknowledged"));
        return ($"{end.Phase}\n{events}\n{assignments}\n{devices}", cut.Commits);
    }
}
