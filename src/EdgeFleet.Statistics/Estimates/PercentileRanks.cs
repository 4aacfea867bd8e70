using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Estimates;

/// <summary>Which of the sorted samples state a percentile and its interval. Ranks count from 1.</summary>
/// <param name="Rank">Nearest rank: the smallest with at least the percentile's share of samples at or below it.</param>
/// <param name="Lower">Rank of the interval's lower end; null where none is low enough.</param>
/// <param name="Upper">Rank of the interval's upper end; null where none is high enough.</param>
public sealed record PercentileRanks(int Rank, int? Lower, int? Upper)
{
    /// <summary>
    /// The number of samples below the true percentile is binomial, so the sample of rank r is above it with chance
    /// P(Bin(n, p) ≤ r - 1) and not above it with P(Bin(n, p) ≥ r) (David and Nagaraja, Order Statistics, 7.1). Each end is
    /// the innermost rank whose chance to miss is at most (1 - confidence) / 2.
    /// </summary>
    /// <param name="count">Number of samples, at least 1.</param>
    /// <param name="percentile">As a share, strictly between 0 and 1.</param>
    /// <param name="confidence">Strictly between 0 and 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static PercentileRanks Of(int count, double percentile, double confidence = 0.95)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        CheckShare(percentile, nameof(percentile));
        CheckShare(confidence, nameof(confidence));
        double mayMiss = (1 - confidence) / 2;

        // 0 stands for "no rank is low enough", count + 1 for "none is high enough".
        int lower = 0, notLower = count + 1;
        while (notLower - lower > 1)
        {
            int middle = lower + ((notLower - lower) / 2);
            (lower, notLower) = BinomialTail.AtMost(middle - 1, count, percentile) <= mayMiss ? (middle, notLower) : (lower, middle);
        }
        int notUpper = 0, upper = count + 1;
        while (upper - notUpper > 1)
        {
            int middle = notUpper + ((upper - notUpper) / 2);
            (notUpper, upper) = BinomialTail.AtLeast(middle, count, percentile) <= mayMiss ? (notUpper, middle) : (middle, upper);
        }
        return new PercentileRanks(NearestRank(count, percentile), lower > 0 ? lower : null, upper <= count ? upper : null);
    }

    // A product like 0.07 * 100 comes out a little above 7; the share is meant in decimals.
    private static int NearestRank(int count, double percentile) =>
        Math.Clamp((int)Math.Ceiling((count * percentile) - (1e-12 * count)), 1, count);

    private static void CheckShare(double value, string name)
    {
        if (!(value > 0 && value < 1))
        {
            throw new ArgumentOutOfRangeException(name, value, "a share lies strictly between 0 and 1");
        }
    }
}
