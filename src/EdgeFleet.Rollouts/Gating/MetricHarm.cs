using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Gating.Metrics;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One metric's answer to the rollback question.</summary>
/// <param name="Scale">Which metric.</param>
/// <param name="Series">After all ticks.</param>
internal sealed record MetricHarm(IMetricScale Scale, TickSeries Series);
