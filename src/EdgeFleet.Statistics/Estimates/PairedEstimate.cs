using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// Mean of block log ratios with a Student t interval over the blocks. The block is the unit, not the inference: inferences
/// follow one another and are not independent (Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013).
/// </summary>
/// <param name="Mean">Mean of ln(candidate / baseline); no unit.</param>
/// <param name="StandardDeviation">Sample standard deviation of the log ratios; null for one block.</param>
/// <param name="HalfWidth">t × s / √n; null for one block, which has no interval.</param>
/// <param name="Count">Number of blocks n.</param>
/// <param name="Alpha">Two-sided level: the interval covers with 1 - alpha.</param>
public sealed record PairedEstimate(double Mean, double? StandardDeviation, double? HalfWidth, int Count, double Alpha)
{
    /// <summary>Lower end of the interval, as a log ratio.</summary>
    public double? Lower => Mean - HalfWidth;

    /// <summary>Upper end of the interval, as a log ratio.</summary>
    public double? Upper => Mean + HalfWidth;

    /// <summary>Null for no blocks. The order of the blocks changes no bit of the result.</summary>
    /// <param name="logRatios">ln(candidate / baseline) of each block.</param>
    /// <param name="alpha">Two-sided level, strictly between 0 and 1.</param>
    /// <exception cref="ArgumentException">A log ratio is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A level outside (0, 1).</exception>
    public static PairedEstimate? Of(IReadOnlyList<double> logRatios, double alpha = 0.05)
    {
        if (!(alpha > 0 && alpha < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "a level lies strictly between 0 and 1");
        }
        double[] sorted = SortedValues.Of(logRatios, nameof(logRatios));
        int n = sorted.Length;
        if (n == 0)
        {
            return null;
        }
        // From the first value on, so that equal blocks have exactly their value as mean and no deviation.
        double sum = 0;
        foreach (double value in sorted)
        {
            sum += value - sorted[0];
        }
        double mean = sorted[0] + (sum / n);
        double? deviation = BlockEstimator.StandardDeviation(sorted);
        double? halfWidth = deviation is { } s ? StudentT.TwoSidedCritical(alpha, n - 1) * s / Math.Sqrt(n) : null;
        return new PairedEstimate(mean, deviation, halfWidth, n, alpha);
    }
}
