using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Stages that take devices by what they are, and cohorts that hold every site.</summary>
public sealed class StageSelectorTests
{
    private static readonly StageSpec s_lab = new() { Kind = StageKind.Canary, Selector = "site == lab" };

    [Fact]
    public void A_canary_by_selector_is_served_by_exactly_the_devices_that_match_before_everyone_is()
    {
        FakeFleet fleet = Fleet(s_lab, id => id is "orin-1" or "orin-4" or "orin-7" ? "lab" : "hall");
        fleet.RunUntil(f => f.Class("orin") is { Stage: 2 }).RunUntil(f => f.Class("orin").Stage == 3 || f.EverServedCandidate.Count == 3);

        Assert.Equal(["orin-1", "orin-4", "orin-7"], fleet.Class("orin").Devices.Where(d => d.Stage == 2).Select(d => d.DeviceId).Order());
        Assert.Equal(["orin-1", "orin-4", "orin-7"], fleet.EverServedCandidate.Order());
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
        Assert.Equal(12, fleet.Serving(FakeFleet.Candidate).Count());
    }

    [Theory, InlineData(2, null, 2), InlineData(null, 50.0, 2), InlineData(9, null, 3)]
    public void A_number_or_a_share_beside_a_selector_is_of_those_that_match(int? devices, double? percent, int expected)
    {
        FakeFleet fleet = Fleet(s_lab with { Devices = devices, Percent = percent }, id => id is "orin-1" or "orin-4" or "orin-7" ? "lab" : "hall")
            .RunUntil(f => f.Class("orin").Devices.Any(d => d.Stage == 2));

        Assert.Equal(expected, fleet.Class("orin").Devices.Count(d => d.Stage == 2));
    }

    [Fact]
    public void A_label_that_changes_while_the_rollout_runs_moves_no_device_between_cohorts()
    {
        Dictionary<string, string> sites = new() { ["orin-3"] = "lab" };
        FakeFleet fleet = Fleet(s_lab, id => sites.GetValueOrDefault(id, "hall")).Run(1);
        sites.Remove("orin-3");
        sites["orin-5"] = "lab";
        fleet.RunUntil(f => f.Class("orin").Stage == 2).Run(2);

        Assert.Equal("orin-3", Assert.Single(fleet.Class("orin").Devices, d => d.Stage == 2).DeviceId);
    }

    [Fact]
    public void A_class_without_a_device_that_matches_waits_for_a_person_instead_of_skipping_its_canary()
    {
        FakeFleet fleet = Fleet(s_lab, id => id.StartsWith("orin", StringComparison.Ordinal) ? "lab" : "hall").Add("pi", 3)
            .RunUntil(f => f.State.Classes.Count == 2 && f.Class("pi").Phase == ClassPhase.Inconclusive);

        Assert.Contains("no device of this class matches 'site == lab'", fleet.Class("pi").Reason, StringComparison.Ordinal);
        fleet.Run(10);
        Assert.DoesNotContain(fleet.EverServedCandidate, id => id.StartsWith("pi", StringComparison.Ordinal));
        fleet.Command(OperatorAct.Approve, "pi");
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
        Assert.Equal(15, fleet.Serving(FakeFleet.Candidate).Count());
    }

    [Fact]
    public void The_plan_names_a_class_that_a_stage_has_no_device_of()
    {
        RolloutState pending = RolloutState.Create("r", Spec(s_lab), Rollouts.Policy, 1, FakeFleet.Start);
        RolloutPreview preview = RolloutPreview.Of(pending, Fleet(s_lab, id => id.StartsWith("orin", StringComparison.Ordinal) ? "lab" : "hall").Add("pi", 3).World());

        Assert.Null(preview.Classes[0].Complaint);
        Assert.Equal(0, preview.Classes[1].Stages[2].Devices);
        Assert.Contains("no device of class pi matches 'site == lab' of the canary stage", preview.Classes[1].Complaint, StringComparison.Ordinal);
    }

    [Theory, InlineData("site", 2), InlineData("", null), InlineData("board", null)]
    public void A_cohort_holds_every_site_in_proportion_unless_the_rollout_says_otherwise(string stratify, int? expected)
    {
        HashSet<int> found = [];
        for (ulong seed = 1; seed <= 30; seed++)
        {
            RolloutState state = RolloutState.Create("r", Rollouts.Staged with { Stratify = stratify }, Rollouts.Policy, seed, FakeFleet.Start);
            RolloutWorld world = Fleet(s_lab, id => id is "orin-1" or "orin-4" or "orin-7" or "orin-9" ? "lab" : "hall").World();
            IReadOnlyList<DeviceProgress> devices = RolloutReconciler.Decide(state, world).Next.Classes.Single().Devices;
            found.Add(devices.Take(6).Count(d => d.DeviceId is "orin-1" or "orin-4" or "orin-7" or "orin-9"));
        }
        Assert.Equal(expected is { } only ? [only] : found, found);
        Assert.True(expected is not null || found.Count > 1, "the plain order varies");
    }

    private static RolloutSpec Spec(StageSpec canary) => Rollouts.Staged with { Stages = [.. Rollouts.Staged.Stages.Select(s => s.Kind == StageKind.Canary ? canary : s)] };

    private static FakeFleet Fleet(StageSpec canary, Func<string, string> site)
    {
        FakeFleet fleet = new FakeFleet(Spec(canary), Rollouts.Policy).Add("orin", 12);
        fleet.Seen = view => view with { Attributes = new Dictionary<string, string> { ["site"] = site(view.DeviceId) } };
        return fleet;
    }
}
