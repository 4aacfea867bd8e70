namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// A nearest-rank percentile of samples with an interval between two observed values, which needs no assumption about the
/// distribution. An end that the samples are too few for is null: unknown, not the minimum or the maximum.
/// </summary>
/// <param name="Percentile">As a share, 0.99 for p99.</param>
/// <param name="Value">In the unit of the samples.</param>
/// <param name="Lower">Lower end, in the unit of the samples; null where the samples are too few for one.</param>
/// <param name="Upper">Upper end; null where the samples are too few for one.</param>
/// <param name="Count">Number of samples.</param>
/// <param name="Confidence">What the interval covers at least, half of the rest on either side.</param>
public sealed record PercentileInterval(double Percentile, double Value, double? Lower, double? Upper, int Count, double Confidence)
{
    /// <summary>
    /// Null for no samples. The interval takes independent samples for granted; neighbouring inferences are not quite, so
    /// it is a little too narrow for a run in which the device drifts.
    /// </summary>
    /// <param name="samples">In any order and any unit.</param>
    /// <param name="percentile">As a share, strictly between 0 and 1.</param>
    /// <param name="confidence">Strictly between 0 and 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A percentile or confidence outside (0, 1).</exception>
    /// <exception cref="ArgumentException">A sample is not finite.</exception>
    public static PercentileInterval? Of(IReadOnlyList<double> samples, double percentile, double confidence = 0.95)
    {
        double[] sorted = SortedValues.Of(samples, nameof(samples));
        if (sorted.Length == 0)
        {
            return null;
        }
        PercentileRanks ranks = PercentileRanks.Of(sorted.Length, percentile, confidence);
        return new PercentileInterval(percentile, sorted[ranks.Rank - 1], At(ranks.Lower), At(ranks.Upper), sorted.Length, confidence);

        double? At(int? rank) => rank is { } r ? sorted[r - 1] : null;
    }
}
