using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One metric's answer to the rollback question.</summary>
/// <param name="Scale">Which metric.</param>
/// <param name="State">After all ticks.</param>
/// <param name="Autocorrelation">Of neighbouring ticks; null with too few to tell.</param>
internal sealed record MetricHarm(IMetricScale Scale, BettingState State, double? Autocorrelation)
{
    /// <param name="scale">Which metric.</param>
    /// <param name="ticks">The class's ticks in their order, the devices of each in enrolment order: the sums are the same to the last bit each time.</param>
    public static MetricHarm Of(IMetricScale scale, IReadOnlyList<List<GateTick>> ticks)
    {
        List<double> means = [.. ticks.Select(reported => Mean(scale, reported)).OfType<double>()];
        return new MetricHarm(scale, BettingEProcess.Observe(BettingEProcess.StartHarm(scale.HarmNull), means), BlockEstimator.Autocorrelation(means));
    }

    private static double? Mean(IMetricScale scale, List<GateTick> reported)
    {
        double sum = 0;
        int devices = 0;
        foreach (GateTick tick in reported)
        {
            if (scale.OfTick(tick) is { } value)
            {
                sum += value;
                devices++;
            }
        }
        return devices > 0 ? Math.Min(sum / devices, 1) : null;
    }
}
