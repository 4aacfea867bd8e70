using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One metric's answer to the rollback question.</summary>
/// <param name="Scale">Which metric.</param>
/// <param name="State">After all ticks.</param>
/// <param name="Autocorrelation">Of neighbouring bets; null with too few to tell.</param>
/// <param name="JoinedTicks">Ticks of one bet.</param>
internal sealed record MetricHarm(IMetricScale Scale, BettingState State, double? Autocorrelation, int JoinedTicks);
