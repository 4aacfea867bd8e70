using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// MLPerf LoadGen's early-stopping rule for a latency percentile (MLCommons inference rules, appendix "Early stopping
/// criterion", tolerance d = 0, confidence c = 0.99). Of n samples t are over the latency. The latency is an upper bound of
/// the percentile with that confidence when P(Bin(n, 1 - percentile) ≤ t) ≤ 1 - c. Bisection on the exact tail.
/// </summary>
public static class EarlyStopping
{
    /// <summary>How sure an estimate is to be no less than the true percentile.</summary>
    public const double Confidence = 0.99;

    private const double MostDoubt = 0.01;

    /// <summary>The fewest samples, over-latency ones included, of which this many may be over the latency.</summary>
    /// <param name="percentile">As a share, strictly between 0 and 1: 0.99 for p99.</param>
    /// <param name="overLatency">Samples over the latency, at least 0. A bound can be stated from 1 on.</param>
    /// <exception cref="ArgumentOutOfRangeException">A percentile outside (0, 1) or a negative count.</exception>
    public static long SamplesNeeded(double percentile, long overLatency)
    {
        CheckPercentile(percentile);
        ArgumentOutOfRangeException.ThrowIfNegative(overLatency);
        long tooFew = overLatency, enough = (2 * overLatency) + 1;
        while (!AreEnough(enough, overLatency, percentile))
        {
            tooFew = enough;
            enough = checked(enough * 2);
        }
        while (enough - tooFew > 1)
        {
            long middle = tooFew + ((enough - tooFew) / 2);
            (tooFew, enough) = AreEnough(middle, overLatency, percentile) ? (tooFew, middle) : (middle, enough);
        }
        return enough;
    }

    /// <summary>
    /// The most samples of this many that may be over the latency; null where there are too few samples even for none.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A percentile outside (0, 1) or a negative count.</exception>
    public static long? MostOverLatency(double percentile, long samples)
    {
        CheckPercentile(percentile);
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        if (!AreEnough(samples, 0, percentile))
        {
            return null;
        }
        long allowed = 0, tooMany = samples;
        while (tooMany - allowed > 1)
        {
            long middle = allowed + ((tooMany - allowed) / 2);
            (allowed, tooMany) = AreEnough(samples, middle, percentile) ? (middle, tooMany) : (allowed, middle);
        }
        return allowed;
    }

    /// <summary>
    /// LoadGen's estimate: with t the most samples that may be over the latency, the t - 1 highest are discarded and the
    /// highest of the rest is stated. Null where t is less than 1: 64 samples are the fewest for p90, 662 for p99.
    /// </summary>
    /// <param name="percentile">As a share, strictly between 0 and 1.</param>
    /// <param name="latencies">In any order and any unit; the estimate has the same unit.</param>
    /// <exception cref="ArgumentOutOfRangeException">A percentile outside (0, 1).</exception>
    /// <exception cref="ArgumentException">A latency is not finite.</exception>
    public static EarlyStoppingEstimate? Estimate(double percentile, IReadOnlyList<double> latencies)
    {
        double[] sorted = SortedValues.Of(latencies, nameof(latencies));
        return MostOverLatency(percentile, sorted.Length) is { } t and >= 1
            ? new EarlyStoppingEstimate(percentile, sorted[sorted.Length - (int)t], (int)t - 1, sorted.Length)
            : null;
    }

    // Were the latency below the percentile, each sample would be within it with at most that chance. So many within it by
    // luck is too unlikely: it is not below.
    private static bool AreEnough(long samples, long overLatency, double percentile) =>
        BinomialTail.AtLeast(samples - overLatency, samples, percentile) <= MostDoubt;

    private static void CheckPercentile(double percentile)
    {
        if (!(percentile > 0 && percentile < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(percentile), percentile, "a percentile is a share strictly between 0 and 1");
        }
    }
}
