using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Who may let a class go on, and how many of them it takes.</summary>
public sealed class ApprovalTests
{
    private static readonly StageSpec s_canary = new() { Kind = StageKind.Canary, Devices = 2, Approval = true, ApprovalRole = "release-manager", ApprovalCount = 2 };

    // Every pair of: what the stage asks, who asks, with which roles, and whether that person has approved before.
    [Fact]
    public void An_approval_counts_exactly_when_the_role_is_held_and_the_person_is_new()
    {
        foreach (string? role in (string?[])[null, "operator", "release-manager"])
        {
            for (int count = 1; count <= 3; count++)
            {
                foreach (string[] held in (string[][])[[], ["operator"], ["release-manager"], ["operator", "release-manager"]])
                {
                    foreach (string[] before in (string[][])[[], ["anna"], ["bert"], ["bert", "carl"]])
                    {
                        if (before.Length < count)
                        {
                            Check(role, count, held, before);
                        }
                    }
                }
            }
        }

        static void Check(string? role, int count, string[] held, string[] before)
        {
            RolloutState state = Waiting(s_canary with { ApprovalRole = role, ApprovalCount = count }).State;
            foreach (string person in before)
            {
                state = Approve(state, person, role is null ? [] : [role]).State;
            }
            CommandResult result = Approve(state, "anna", held);
            ClassProgress progress = result.State.Classes.Single();

            bool may = role is null || held.Contains(role);
            bool counts = may && !before.Contains("anna");
            Assert.Equal((counts, !counts), (result.Changed, result.Denied));
            Assert.Equal(counts && before.Length + 1 == count ? ClassPhase.Running : ClassPhase.AwaitingApproval, progress.Phase);
            if (!may)
            {
                Assert.Contains($"in role '{role}', which anna does not hold", result.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Approvals_are_kept_over_a_restart_and_begin_anew_with_the_next_stage()
    {
        FakeFleet fleet = Waiting(s_canary, full: s_canary with { Kind = StageKind.Full, Devices = null });
        Assert.Contains("waits for the approval of 2 persons in role 'release-manager'", fleet.Class("orin").Reason, StringComparison.Ordinal);
        fleet.State = Approve(fleet.State, "anna", ["release-manager"]).State;
        fleet.Run(5);
        Assert.Equal((ClassPhase.AwaitingApproval, 1), (fleet.Class("orin").Phase, fleet.Class("orin").Approvals!.Count));
        Assert.Contains("1 of 2 approvals (anna)", fleet.Class("orin").Reason, StringComparison.Ordinal);
        Assert.Empty(fleet.EverServedCandidate);

        fleet.State = Approve(fleet.State, "bert", ["release-manager"]).State;
        Assert.Equal("approved by anna, bert", fleet.Class("orin").Reason);
        fleet.RunUntil(f => f.Class("orin") is { Stage: 1, Phase: ClassPhase.AwaitingApproval });
        Assert.Null(fleet.Class("orin").Approvals);
    }

    [Fact]
    public void An_inconclusive_stage_is_no_way_around_the_role_of_the_next()
    {
        FakeFleet fleet = Waiting(s_canary);
        fleet.State = fleet.State with { Classes = [.. fleet.State.Classes.Select(c => c with { Phase = ClassPhase.Inconclusive })] };

        Assert.True(Approve(fleet.State, "anna", ["operator"]).Denied);
        Assert.True(Approve(fleet.State, "anna", ["release-manager"]).Changed);
    }

    [Fact]
    public void Who_lacks_the_role_can_still_abort()
    {
        FakeFleet fleet = Waiting(s_canary);
        fleet.Command(OperatorAct.Abort);

        Assert.Equal(RolloutPhase.Aborted, fleet.RunToEnd().State.Phase);
    }

    private static CommandResult Approve(RolloutState state, string by, string[] roles) =>
        RolloutReconciler.Apply(state, new OperatorCommand { Act = OperatorAct.Approve, By = by, Roles = roles, At = FakeFleet.Start });

    private static FakeFleet Waiting(StageSpec canary, StageSpec? full = null)
    {
        RolloutSpec spec = Rollouts.Staged with { Stages = [new StageSpec { Kind = StageKind.Shadow, Devices = 30 }, canary, full ?? new StageSpec { Kind = StageKind.Full }] };
        return new FakeFleet(spec, Rollouts.Policy).Add("orin", 4).RunUntil(f => f.State.Classes.Any(c => c.Phase == ClassPhase.AwaitingApproval));
    }
}
