using System.Collections.Frozen;
using static EdgeFleet.Rollouts.Stages.ClassPhase;
using static EdgeFleet.Rollouts.Stages.StageOutcome;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// A hardware class's way through a rollout, as data. Harm and abort have an answer in every phase that is not over, also
/// while a person is waited for.
/// </summary>
public static class StageTransitions
{
    public static FrozenDictionary<(ClassPhase Phase, StageOutcome Outcome), ClassPhase> Table { get; } =
        new Dictionary<(ClassPhase, StageOutcome), ClassPhase>
        {
            [(Running, Promote)] = Running,
            [(Running, PromoteToApproval)] = AwaitingApproval,
            [(Running, PromoteLast)] = Completed,
            [(Running, TimeOver)] = Inconclusive,
            [(Running, AllRefused)] = Refused,
            [(Running, Harm)] = RollingBack,
            [(Running, Abort)] = RollingBack,

            [(AwaitingApproval, Approve)] = Running,
            [(AwaitingApproval, Harm)] = RollingBack,
            [(AwaitingApproval, Abort)] = RollingBack,

            // Only a person leads out of an inconclusive stage forward; harm still takes it back.
            [(Inconclusive, Resume)] = Running,
            [(Inconclusive, Approve)] = Running,
            [(Inconclusive, ApproveLast)] = Completed,
            [(Inconclusive, AllRefused)] = Refused,
            [(Inconclusive, Harm)] = RollingBack,
            [(Inconclusive, Abort)] = RollingBack,

            [(RollingBack, AllBack)] = RolledBack,
            [(RollingBack, SomeKeep)] = PartlyCompleted,
            [(RollingBack, Harm)] = RollingBack,
            [(RollingBack, Abort)] = RollingBack,

            // A class that is done is still taken back with a rollout that is not.
            [(Completed, Harm)] = RollingBack,
            [(Completed, Abort)] = RollingBack,
        }.ToFrozenDictionary();

    /// <summary>The phase after <paramref name="outcome"/>.</summary>
    /// <exception cref="InvalidOperationException">The table has no such pair: a bug of the caller.</exception>
    public static ClassPhase Next(ClassPhase phase, StageOutcome outcome) =>
        Table.TryGetValue((phase, outcome), out ClassPhase next)
            ? next
            : throw new InvalidOperationException($"a class in phase '{phase}' has no transition for outcome '{outcome}'");

    /// <summary>Whether nothing more is to be done for the class itself.</summary>
    public static bool IsEnd(ClassPhase phase) => phase >= Completed;

    /// <summary>Whether the rollout is over.</summary>
    public static bool IsEnd(RolloutPhase phase) => phase >= RolloutPhase.Completed;
}
