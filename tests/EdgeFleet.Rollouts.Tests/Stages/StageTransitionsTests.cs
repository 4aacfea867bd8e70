using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

public sealed class StageTransitionsTests
{
    [Fact]
    public void Harm_and_abort_have_an_answer_wherever_the_candidate_may_be_on_devices()
    {
        ClassPhase[] mayBeOut = [ClassPhase.Running, ClassPhase.AwaitingApproval, ClassPhase.Inconclusive, ClassPhase.RollingBack, ClassPhase.Completed];

        Assert.All(mayBeOut, phase => Assert.Equal(ClassPhase.RollingBack, StageTransitions.Next(phase, StageOutcome.Harm)));
        Assert.All(mayBeOut, phase => Assert.Equal(ClassPhase.RollingBack, StageTransitions.Next(phase, StageOutcome.Abort)));
    }

    [Fact]
    public void Only_a_person_leads_forward_out_of_a_wait()
    {
        ClassPhase[] waits = [ClassPhase.AwaitingApproval, ClassPhase.Inconclusive];
        var forward = StageTransitions.Table.Where(t => waits.Contains(t.Key.Phase) && t.Value is ClassPhase.Running or ClassPhase.Completed && waits.Contains(t.Key.Phase));

        Assert.All(forward, t => Assert.True(t.Key.Outcome is StageOutcome.Approve or StageOutcome.ApproveLast or StageOutcome.Resume));
    }

    [Fact]
    public void What_was_taken_back_or_refused_stays_so()
    {
        Assert.Empty(StageTransitions.Table.Keys.Where(k => k.Phase is ClassPhase.RolledBack or ClassPhase.PartlyCompleted or ClassPhase.Refused));
        Assert.Equal([ClassPhase.PartlyCompleted, ClassPhase.RolledBack, ClassPhase.RollingBack], StageTransitions.Table.Where(t => t.Key.Phase == ClassPhase.RollingBack).Select(t => t.Value).Distinct().OrderDescending());
    }

    [Fact]
    public void Completion_is_reached_by_the_gate_at_the_last_stage_or_by_a_person()
    {
        Assert.Equal(
            [(ClassPhase.Running, StageOutcome.PromoteLast), (ClassPhase.Inconclusive, StageOutcome.ApproveLast)],
            StageTransitions.Table.Where(t => t.Value == ClassPhase.Completed).Select(t => t.Key).Order());
    }

    [Fact]
    public void Every_phase_is_left_by_something_or_is_an_end()
    {
        Assert.All(Enum.GetValues<ClassPhase>(), phase => Assert.True(
            StageTransitions.IsEnd(phase) || StageTransitions.Table.Any(t => t.Key.Phase == phase && t.Value != phase), $"{phase} is a dead end"));
    }

    [Fact]
    public void A_pair_that_is_not_listed_is_a_bug_that_names_both()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => StageTransitions.Next(ClassPhase.RolledBack, StageOutcome.Promote));

        Assert.Contains("RolledBack", error.Message, StringComparison.Ordinal);
        Assert.Contains("Promote", error.Message, StringComparison.Ordinal);
    }
}
