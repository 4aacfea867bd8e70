using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// What the devices' reports come to, worked out once per decision: a class is looked at several times until nothing
/// changes, while the reports stay the same.
/// </summary>
internal sealed class ReportedEvidence(GateMargins margins)
{
    private readonly Dictionary<DeploymentReport, (IReadOnlyList<GateTick> Ticks, IReadOnlyList<InvariantFinding> Invariants)> _known =
        new(ReferenceEqualityComparer.Instance);

    public (IReadOnlyList<GateTick> Ticks, IReadOnlyList<InvariantFinding> Invariants) Of(DeploymentReport report)
    {
        if (!_known.TryGetValue(report, out var evidence))
        {
            IReadOnlyList<ShadowTick> ticks = InOrder(report.Ticks);
            evidence = ([.. ticks.Select(GateTick.From)], InvariantReading.Of(report, ticks, margins));
            _known.Add(report, evidence);
        }
        return evidence;
    }

    // Each tick once, ascending: reports may come twice and in any order.
    private static IReadOnlyList<ShadowTick> InOrder(IReadOnlyList<ShadowTick> ticks)
    {
        for (int i = 1; i < ticks.Count; i++)
        {
            if (ticks[i].Tick <= ticks[i - 1].Tick)
            {
                return [.. ticks.DistinctBy(t => t.Tick).OrderBy(t => t.Tick)];
            }
        }
        return ticks;
    }
}
