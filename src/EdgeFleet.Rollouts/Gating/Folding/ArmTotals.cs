using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>Requests of a class while a candidate answered a share of them.</summary>
/// <param name="Baseline">Drawn for the baseline.</param>
/// <param name="Candidate">Drawn for the candidate.</param>
public sealed record ArmTotals(long Baseline, long Candidate)
{
    internal static ArmTotals? Sum(ArmTotals? totals, RequestArms? arms) => arms is null ? totals
        : new ArmTotals((totals?.Baseline ?? 0) + arms.Baseline.Requests, (totals?.Candidate ?? 0) + arms.Candidate.Requests);
}
