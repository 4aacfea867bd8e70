using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// e-values of counts in closed form: mixtures of likelihood ratios over the alternative, e-processes for the whole
/// one-sided null. All return natural logarithms.
/// </summary>
public static class CountEValues
{
    /// <summary>
    /// Sign or McNemar test of discordant pairs: null "a pair is worse with chance at most 1/2", uniform prior on (1/2, 1].
    /// </summary>
    public static double LogSign(long worse, long better)
    {
        RequireCount(worse, nameof(worse));
        RequireCount(better, nameof(better));
        return ((worse + better + 1) * PortableMath.Log(2))
            + SpecialFunctions.LogBeta(worse + 1, better + 1)
            + SpecialFunctions.LogUpperRegularizedBeta(0.5, worse + 1, better + 1);
    }

    /// <summary>Events in trials: null "chance at most <paramref name="nullRate"/>", uniform prior on (nullRate, 1].</summary>
    public static double LogBinomial(long events, long trials, double nullRate)
    {
        RequireCount(events, nameof(events));
        if (trials < events)
        {
            throw new ArgumentOutOfRangeException(nameof(trials), trials, $"there were {events} events");
        }
        if (!(nullRate > 0 && nullRate < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(nullRate), nullRate, "a rate lies strictly between 0 and 1");
        }
        double others = trials - events;
        return SpecialFunctions.LogBeta(events + 1, others + 1)
            + SpecialFunctions.LogUpperRegularizedBeta(nullRate, events + 1, others + 1)
            - PortableMath.Log(1 - nullRate)
            - (events * PortableMath.Log(nullRate))
            - (others * PortableMath.Log(1 - nullRate));
    }

    /// <summary>
    /// Events of two arms with exposures in any one unit: null "the candidate's rate is at most
    /// <paramref name="nullRateRatio"/> times the baseline's"; each event is the candidate's with a known chance.
    /// </summary>
    public static double LogTwoArmCounts(long candidateEvents, double candidateExposure, long baselineEvents, double baselineExposure, double nullRateRatio)
    {
        double weighted = nullRateRatio * candidateExposure;
        return LogBinomial(candidateEvents, candidateEvents + baselineEvents, weighted / (weighted + baselineExposure));
    }

    /// <summary>
    /// Events in an exposure: null "rate at most <paramref name="nullRate"/>". The prior over higher rates is a gamma of shape 1
    /// and a mean of twice the null's rate, cut off below it.
    /// </summary>
    /// <param name="events">Not negative.</param>
    /// <param name="exposure">In any one unit, such as device hours; not negative.</param>
    /// <param name="nullRate">Events in one unit of exposure; positive.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double LogPoisson(long events, double exposure, double nullRate)
    {
        RequireCount(events, nameof(events));
        if (!(exposure >= 0 && double.IsFinite(exposure)) || (exposure == 0 && events > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(exposure), exposure, $"the exposure of {events} events");
        }
        if (!(nullRate > 0 && double.IsFinite(nullRate)))
        {
            throw new ArgumentOutOfRangeException(nameof(nullRate), nullRate, "a rate is positive and finite");
        }
        const double shape = 1;
        double inverseScale = 1 / (2 * nullRate);
        return (shape * PortableMath.Log(inverseScale))
            - SpecialFunctions.LogGamma(shape)
            + SpecialFunctions.LogGamma(shape + events)
            - ((shape + events) * PortableMath.Log(inverseScale + exposure))
            + IncompleteGamma.LogUpper(shape + events, (inverseScale + exposure) * nullRate)
            - IncompleteGamma.LogUpper(shape, inverseScale * nullRate)
            - (events * PortableMath.Log(nullRate))
            + (nullRate * exposure);
    }

    private static void RequireCount(long value, string name)
    {
        if (value < 0)
        {
            throw new ArgumentOutOfRangeException(name, value, "a count is not negative");
        }
    }
}
