namespace EdgeFleet.Statistics.Estimates;

/// <summary>Sums of a series in its order, enough to tell how much neighbouring values have in common without keeping any of them.</summary>
/// <param name="Count">Values so far.</param>
/// <param name="First">The first value.</param>
/// <param name="Last">The newest value.</param>
/// <param name="Sum">Of all values.</param>
/// <param name="Squares">Sum of their squares.</param>
/// <param name="Neighbours">Sum of the products of neighbouring values.</param>
public readonly record struct SeriesMoments(long Count, double First, double Last, double Sum, double Squares, double Neighbours)
{
    // What is left of a constant series by rounding is no variance.
    private const double SmallestVariance = 1e-14;

    /// <summary>One more value at the end.</summary>
    public SeriesMoments With(double value) => Count == 0
        ? new SeriesMoments(1, value, value, value, value * value, 0)
        : new SeriesMoments(Count + 1, First, value, Sum + value, Squares + (value * value), Neighbours + (Last * value));

    /// <summary>
    /// Correlation of neighbouring values, as <see cref="BlockEstimator.Autocorrelation"/> finds it in the values themselves; null
    /// for fewer than <paramref name="atLeast"/> of them or when all are equal.
    /// </summary>
    public double? Autocorrelation(int atLeast = 20)
    {
        if (Count < Math.Max(atLeast, 2))
        {
            return null;
        }
        double mean = Sum / Count;
        double all = Squares - (Sum * mean);
        double shared = Neighbours - (mean * ((2 * Sum) - First - Last)) + ((Count - 1) * mean * mean);
        return all > SmallestVariance * Math.Max(Squares, Count * SmallestVariance) ? shared / all : null;
    }
}
