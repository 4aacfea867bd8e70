using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Events such as crashes of a candidate's devices and of concurrent controls, while the exposure of either changes from tick
/// to tick (Lindon and Malek 2020): given that an event happened, it is the candidate's with a chance that the exposures and
/// the ratio of rates give. The evidence is a product over the events, averaged over fixed higher ratios; what both arms suffer
/// together cancels. Where the exposures keep their ratio, <see cref="CountEValues.LogTwoArmCounts"/> is the closed form.
/// </summary>
public static class TwoArmEvents
{
    // How many times the null's ratio the alternatives are. Fixed in advance, so their average is valid by construction.
    private static readonly double[] s_alternatives = [1.5, 2, 4, 8, 16];

    /// <summary>
    /// Natural logarithm of E for the null "the candidate's rate is at most <paramref name="nullRateRatio"/> times the
    /// baseline's", whatever the rates are and however they change in time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range, or events without exposure.</exception>
    public static double LogE(IEnumerable<ArmTick> ticks, double nullRateRatio)
    {
        if (!(nullRateRatio > 0 && double.IsFinite(nullRateRatio)))
        {
            throw new ArgumentOutOfRangeException(nameof(nullRateRatio), nullRateRatio, "a ratio of rates is positive and finite");
        }
        Span<double> wealth = stackalloc double[s_alternatives.Length];
        foreach (ArmTick tick in ticks)
        {
            Check(tick);
            double weighted = nullRateRatio * tick.CandidateExposure;
            long events = tick.CandidateEvents + tick.BaselineEvents;
            if (events == 0)
            {
                continue;
            }
            for (int i = 0; i < wealth.Length; i++)
            {
                double share = (weighted + tick.BaselineExposure) / ((s_alternatives[i] * weighted) + tick.BaselineExposure);
                wealth[i] += (tick.CandidateEvents * PortableMath.Log(s_alternatives[i])) + (events * PortableMath.Log(share));
            }
        }
        return BettingGrid.LogMeanExp(wealth);
    }

    private static void Check(ArmTick tick)
    {
        Check(tick.CandidateEvents, tick.CandidateExposure);
        Check(tick.BaselineEvents, tick.BaselineExposure);
    }

    private static void Check(long events, double exposure)
    {
        if (events < 0 || !(exposure >= 0 && double.IsFinite(exposure)) || (events > 0 && exposure == 0))
        {
            throw new ArgumentOutOfRangeException(nameof(events), events, FormattableString.Invariant($"events in an exposure of {exposure}"));
        }
    }
}
