using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Distributions;

/// <summary>
/// What a divergence reaches without any drift. A fixed cut-off such as "PSI 0.1" is exceeded by pure chance at a hundred
/// observations and missed by a real drift at a million; these limits go with the sample.
/// </summary>
public static class DriftLimit
{
    /// <summary>
    /// Mean PSI of two samples of one distribution: (1/n + 1/m)(bins - 1). Kullback-Leibler is half of it, Jensen-Shannon an eighth.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than two bins, or an empty sample.</exception>
    public static double MeanWithoutDrift(int bins, long n, long m) => Scale(bins, n, m) * (bins - 1);

    /// <summary>PSI that two samples of one distribution exceed with chance 1 - level: (1/n + 1/m) times a chi-square of bins - 1.</summary>
    /// <param name="bins">At least 2; each should expect five observations, or the chi-square is too narrow.</param>
    /// <param name="n">Observations in one sample.</param>
    /// <param name="m">Observations in the other.</param>
    /// <param name="level">Strictly between 0 and 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double WithoutDrift(int bins, long n, long m, double level = 0.99) => Scale(bins, n, m) * ChiSquare.Quantile(level, bins - 1);

    /// <summary>
    /// The limit from the baseline against itself, which also knows what is not independent: the smallest observed divergence
    /// that the next one without drift exceeds with chance 1 - level at most. Null where there are too few to tell.
    /// </summary>
    /// <param name="divergences">Of the baseline against itself, in samples of the size that will be judged.</param>
    /// <param name="level">Strictly between 0 and 1; 0.99 needs 99 divergences.</param>
    /// <exception cref="ArgumentOutOfRangeException">A level outside its range.</exception>
    public static double? FromBaseline(IReadOnlyList<double> divergences, double level = 0.99)
    {
        if (!(level > 0 && level < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(level), level, "a level lies strictly between 0 and 1");
        }
        // A last bit of 100 × 0.99 must not ask for one more.
        int rank = (int)Math.Ceiling(((divergences.Count + 1) * level) - 1e-9);
        return rank > divergences.Count ? null : divergences.Order().ElementAt(Math.Max(rank, 1) - 1);
    }

    private static double Scale(int bins, long n, long m)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(m, 1);
        return (1.0 / n) + (1.0 / m);
    }
}
