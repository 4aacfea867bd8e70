namespace EdgeFleet.Statistics.Functions;

/// <summary>Student's t distribution by the incomplete beta function (DLMF 8.17, Abramowitz and Stegun 26.7.1).</summary>
public static class StudentT
{
    /// <summary>P(|T| ≥ |t|).</summary>
    /// <param name="t">The statistic, finite.</param>
    /// <param name="degreesOfFreedom">Greater than 0; need not be whole (Welch).</param>
    /// <exception cref="ArgumentOutOfRangeException">No such distribution.</exception>
    public static double TwoSidedTail(double t, double degreesOfFreedom)
    {
        CheckDegreesOfFreedom(degreesOfFreedom);
        return SpecialFunctions.RegularizedBeta(degreesOfFreedom / (degreesOfFreedom + (t * t)), degreesOfFreedom / 2, 0.5);
    }

    /// <summary>The t that |T| exceeds with this chance: half of it on either side.</summary>
    /// <param name="alpha">Strictly between 0 and 1.</param>
    /// <param name="degreesOfFreedom">Greater than 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double TwoSidedCritical(double alpha, double degreesOfFreedom)
    {
        CheckDegreesOfFreedom(degreesOfFreedom);
        if (!(alpha > 0 && alpha < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "a level lies strictly between 0 and 1");
        }
        double low = 0, high = 1;
        while (TwoSidedTail(high, degreesOfFreedom) > alpha)
        {
            (low, high) = (high, high * 2);
        }
        // Until the two are neighbours.
        for (double middle = low + ((high - low) / 2); middle > low && middle < high; middle = low + ((high - low) / 2))
        {
            (low, high) = TwoSidedTail(middle, degreesOfFreedom) > alpha ? (middle, high) : (low, middle);
        }
        return high;
    }

    private static void CheckDegreesOfFreedom(double degreesOfFreedom)
    {
        if (!(degreesOfFreedom > 0 && double.IsFinite(degreesOfFreedom)))
        {
            throw new ArgumentOutOfRangeException(nameof(degreesOfFreedom), degreesOfFreedom, "degrees of freedom are positive and finite");
        }
    }
}
