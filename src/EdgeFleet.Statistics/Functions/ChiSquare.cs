namespace EdgeFleet.Statistics.Functions;

/// <summary>The chi-square distribution by the incomplete gamma function (Abramowitz and Stegun 26.4.19).</summary>
public static class ChiSquare
{
    /// <summary>P(X ≤ x).</summary>
    /// <param name="x">Not negative.</param>
    /// <param name="degreesOfFreedom">Greater than 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double AtMost(double x, double degreesOfFreedom) => IncompleteGamma.Lower(degreesOfFreedom / 2, x / 2);

    /// <summary>The value that X exceeds with chance 1 - <paramref name="level"/>.</summary>
    /// <param name="level">Strictly between 0 and 1.</param>
    /// <param name="degreesOfFreedom">Greater than 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double Quantile(double level, double degreesOfFreedom)
    {
        if (!(level > 0 && level < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(level), level, "a level lies strictly between 0 and 1");
        }
        double low = 0, high = 1;
        while (AtMost(high, degreesOfFreedom) < level)
        {
            (low, high) = (high, high * 2);
        }
        // Until the two are neighbours.
        for (double middle = low + ((high - low) / 2); middle > low && middle < high; middle = low + ((high - low) / 2))
        {
            (low, high) = AtMost(middle, degreesOfFreedom) < level ? (middle, high) : (low, middle);
        }
        return high;
    }
}
