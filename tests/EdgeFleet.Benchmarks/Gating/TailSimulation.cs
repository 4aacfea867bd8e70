using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>High quantiles of latency by the product's exceedance pairs, on latencies whose ratio is known.</summary>
internal static class TailSimulation
{
    private const int PairsPerTick = 100;

    /// <summary>Pairs after the threshold was known until E reaches 1/alpha, looked at after each tick; 0 where it does not.</summary>
    public static int PairsUntilHarm(double quantile, double ratio, int ticks, Dice dice)
    {
        ExceedancePairs pairs = new(quantile, GateBench.Margin);
        int judged = 0;
        for (int tick = 0; tick < ticks;)
        {
            bool counts = pairs.Threshold is not null;
            tick += counts ? 1 : 0;
            for (int i = 0; i < PairsPerTick; i++)
            {
                pairs.Observe(Latency(dice), ratio * Latency(dice));
            }
            judged += counts ? PairsPerTick : 0;
            if (pairs.LogE >= GateBench.Acts)
            {
                return judged;
            }
            pairs.EndTick();
        }
        return 0;
    }

    // One inference in fifty meets something else on the device.
    private static double Latency(Dice dice) => Math.Exp(0.2 * dice.Normal()) * (dice.Chance(0.02) ? 1.5 : 1);
}
