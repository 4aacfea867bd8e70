using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;
using EdgeFleet.Rollouts.Tests.Gating;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>A canary by share of requests: every device goes on serving the baseline.</summary>
public sealed class RequestShareStageTests
{
    private const int Canary = 2;

    private static readonly RolloutSpec s_spec = Rollouts.Staged with
    {
        Stages = [.. Rollouts.Staged.Stages.Select(stage => stage.Kind == StageKind.Canary ? new StageSpec { Kind = StageKind.Canary, Requests = 5 } : stage)],
    };

    [Fact]
    public void Every_device_of_a_small_fleet_gives_five_percent_of_its_requests_before_any_activates()
    {
        FakeFleet fleet = Fleet().RunUntil(At(Canary), 100).Run(2);
        DesiredDeployment[] told = [.. fleet.Last!.Goals.Select(goal => goal.Desired!)];

        Assert.Equal(3, told.Length);
        Assert.All(told, desired => Assert.Equal((DeploymentGoal.Shadowing, 5d), (desired.Goal, desired.Plan.ServePercent)));
        Assert.Empty(fleet.EverServedCandidate);

        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
        Assert.All(fleet.Last!.Goals, goal => Assert.Equal((DeploymentGoal.Active, 0d), (goal.Desired!.Goal, goal.Desired.Plan.ServePercent)));
        Assert.Equal(3, fleet.Serving(FakeFleet.Candidate).Count());
    }

    [Fact]
    public void Requests_that_are_not_shared_as_asked_hold_the_stage_and_say_so()
    {
        FakeFleet fleet = Fleet(new Behaviour { SharesPercent = 12 }).RunUntil(At(Canary), 100).Run(20);

        MissingEvidence first = fleet.Last!.Current[0].Missing[0];
        Assert.Equal((MissingCodes.SampleRatio, GateDecision.Hold), (first.Code, fleet.Last.Current[0].Decision));
        Assert.StartsWith("invalid: ", first.Detail, StringComparison.Ordinal);
        Assert.Contains("where 5 % should be", fleet.Last.Current[0].Reason, StringComparison.Ordinal);
        Assert.Empty(fleet.EverServedCandidate);
        Assert.All(fleet.Verdicts, stored => Assert.True(Gate.Recompute(stored).Same));
    }

    [Fact]
    public void A_candidate_that_answered_no_request_is_not_promoted_for_having_done_no_harm()
    {
        FakeFleet fleet = Fleet(new Behaviour { SharesPercent = 0 }).RunUntil(At(Canary), 100).Run(1);
        Assert.Contains(fleet.Last!.Current[0].Missing, missing => missing.Code == MissingCodes.Requests);

        Assert.Equal(GateDecision.Hold, fleet.Run(20).Last!.Current[0].Decision);
        Assert.Empty(fleet.EverServedCandidate);
    }

    [Theory]
    [InlineData(9500, 500, false)]
    [InlineData(9560, 440, false)] // 2.7 standard deviations: chance, for whoever may look at any time
    [InlineData(9300, 700, true)]
    [InlineData(9700, 300, true)]
    public void Only_what_chance_does_not_explain_is_a_mismatch(long baseline, long candidate, bool mismatch)
    {
        GateInput input = Gates.Input(Gates.Devices(3, i => Gates.Device(i, ticks: 10))) with { Stage = StageKind.Canary, RequestPercent = 5 };
        input = input with { Ticks = input.Ticks! with { Arms = new ArmTotals(baseline, candidate) } };

        Assert.Equal(mismatch ? GateDecision.Hold : GateDecision.Promote, Gate.Evaluate(input).Decision);
        Assert.Equal(mismatch, Gate.Evaluate(input).Missing.Any(missing => missing.Code == MissingCodes.SampleRatio));
        // The same counts are nobody's business in a stage that shares no requests.
        Assert.Equal(GateDecision.Promote, Gate.Evaluate(input with { RequestPercent = null }).Decision);
    }

    [Theory]
    [InlineData("canary: { requests: 5 }", 5d, null, null)]
    [InlineData("canary: { requests: 5, devices: 2 }", 5d, 2, null)]
    [InlineData("canary: { requests: 20, percent: 10 }", 20d, null, 10d)]
    [InlineData("canary: {}", null, null, 5d)]
    public void A_canary_by_requests_takes_every_device_unless_it_says_how_many(string canary, double? requests, int? devices, double? percent)
    {
        StageSpec stage = Parse("staged", $"[shadow, {{ {canary} }}, full]").Stages[1];

        Assert.Equal((requests, devices, percent), (stage.Requests, stage.Devices, stage.Percent));
        Assert.Equal(requests is null ? DeploymentGoal.Active : DeploymentGoal.Shadowing, stage.Goal);
    }

    [Fact]
    public void An_install_has_no_baseline_that_could_answer_the_other_requests() =>
        Assert.Contains("no baseline answers the others", Assert.Throws<SpecException>(() => Parse("install", "[{ canary: { requests: 5 } }, full]")).Message, StringComparison.Ordinal);

    private static RolloutSpec Parse(string strategy, string stages) => SpecFile.ParseRollout(
        $"{{apiVersion: edgefleet.io/v1, kind: Rollout, metadata: {{name: r}}, spec: {{model: m, candidate: 'sha256:{new string('0', 64)}', strategy: {strategy}, stages: {stages}}}}}");

    private static Func<FakeFleet, bool> At(int stage) => fleet => fleet.State.Classes.Count > 0 && fleet.Class("orin").Stage == stage;

    private static FakeFleet Fleet(Behaviour? behaviour = null) => new FakeFleet(s_spec, Rollouts.Policy).Add("orin", 3, _ => behaviour ?? new Behaviour());
}
