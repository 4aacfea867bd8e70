using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Devices whose applications load the model themselves, and so have no shadow.</summary>
public sealed class ShadowAbsentTests
{
    private const string Detail = "shadow absent: file mode; the application loads the model itself";

    [Theory, InlineData(3), InlineData(12)]
    public void A_class_without_any_shadow_is_never_promoted_by_itself_and_asks_a_person_at_once(int devices)
    {
        FakeFleet fleet = Fleet(devices, _ => true).RunUntil(f => f.State.Classes.Count > 0 && f.Class("orin").Phase == ClassPhase.Inconclusive, 60);

        Assert.Empty(fleet.EverServedCandidate);
        string reason = fleet.Class("orin").Reason;
        Assert.Contains("a person decides ('edgefleet rollout approve ", reason, StringComparison.Ordinal);
        MissingEvidence first = fleet.Last!.Current[0].Missing[0];
        Assert.Equal((MissingCodes.ShadowAbsent, $"{first.Subject}: {Detail}"), (first.Code, first.Detail));
        Assert.Contains(first.Detail, reason, StringComparison.Ordinal);

        fleet.Command(OperatorAct.Approve);
        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
        Assert.Equal(devices, fleet.Serving(FakeFleet.Candidate).Count());
    }

    [Fact]
    public void A_device_without_a_shadow_in_a_census_holds_the_class_and_is_named()
    {
        FakeFleet fleet = Fleet(4, id => id == "orin-2").Run(40);

        Assert.Equal(ClassPhase.Running, fleet.Class("orin").Phase);
        Assert.Empty(fleet.EverServedCandidate);
        Assert.Equal("orin-2", Assert.Single(fleet.Last!.Current[0].Missing, missing => missing.Code == MissingCodes.ShadowAbsent).Subject);
        Assert.Contains(Detail, fleet.Last.Current[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_fleet_with_a_shadow_completes_by_itself() =>
        Assert.Equal(RolloutPhase.Completed, Fleet(4, _ => false).RunToEnd().State.Phase);

    [Fact]
    public void A_verdict_that_names_an_absent_shadow_is_recomputed_to_the_same_bits()
    {
        FakeFleet fleet = Fleet(3, _ => true).RunUntil(f => f.State.Classes.Count > 0 && f.Class("orin").Phase == ClassPhase.Inconclusive, 60);

        Assert.NotEmpty(fleet.Verdicts);
        Assert.All(fleet.Verdicts, stored => Assert.True(Gate.Recompute(stored).Same));
    }

    private static FakeFleet Fleet(int devices, Func<string, bool> absent)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", devices, i => new Behaviour { ShadowAbsent = absent($"orin-{i}") });
        fleet.Seen = view => absent(view.DeviceId) && view.Deployment is { Phase: DeploymentPhase.Shadowing } report
            ? view with { Deployment = report with { Code = "shadow-absent", Detail = Detail } }
            : view;
        return fleet;
    }
}
