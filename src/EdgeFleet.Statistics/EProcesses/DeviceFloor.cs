using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>How many devices a promotion needs at least, and how many more it will need at the present pace.</summary>
public static class DeviceFloor
{
    // Beyond this many perfect devices the margin is too thin for any real fleet; say so instead of counting on.
    private const int Horizon = 100_000;

    /// <summary>
    /// Fewest devices, all of them perfect (or all at <paramref name="observation"/>), with which the promotion e-process reaches
    /// 1/alpha; null when the whole class (or any fleet, for an endless one) is not enough.
    /// </summary>
    public static int? Minimum(double nullMean, double alpha, int? populationSize = null, double observation = 0)
    {
        // At the null or above it nothing grows, however long one looks.
        if (observation >= nullMean)
        {
            return null;
        }
        BettingState state = BettingEProcess.StartPromotion(nullMean, populationSize);
        int last = Math.Min(populationSize ?? Horizon, Horizon);
        for (int k = 1; k <= last; k++)
        {
            state = BettingEProcess.Observe(state, observation);
            if (state.Rejects(alpha))
            {
                return k;
            }
        }
        return null;
    }

    /// <summary>
    /// Observations needed in all if the mean growth of log E so far goes on: ln(1/alpha) / (log E / n). Null when
    /// nothing was observed or log E does not grow: then no number of observations is in sight.
    /// </summary>
    public static double? Forecast(BettingState state, double alpha)
    {
        double logE = state.LogE;
        return state.Count == 0 || logE <= 0 ? null : state.Rejects(alpha) ? state.Count : PortableMath.Log(1 / alpha) * state.Count / logE;
    }
}
