namespace EdgeFleet.Testing.Judges;

/// <summary>
/// By how much one sample lies above another (Hodges-Lehmann) with the interval of the Mann-Whitney test in its normal
/// approximation with ties and continuity, as R's <c>wilcox.test(conf.int = TRUE, exact = FALSE)</c> states it.
/// </summary>
/// <param name="Lower">Smallest shift that the test does not reject.</param>
/// <param name="Estimate">Median of all differences.</param>
/// <param name="Upper">Largest shift that it does not reject.</param>
public sealed record MannWhitneyShift(double Lower, double Estimate, double Upper)
{
    private const int Halvings = 50;

    /// <summary>Compares two samples, neither empty.</summary>
    /// <param name="x">The sample whose shift above <paramref name="y"/> is asked for.</param>
    /// <param name="y">The other.</param>
    /// <param name="z">Two-sided quantile of the normal distribution: 1.96 for 95 %, 2.326 for 98 %.</param>
    public static MannWhitneyShift Of(IEnumerable<double> x, IEnumerable<double> y, double z)
    {
        double[] first = [.. x.Order()], second = [.. y.Order()];
        double low = first[0] - second[^1], high = first[^1] - second[0];
        double Root(double target, bool continuity)
        {
            if (Statistic(first, second, low, continuity) <= target)
            {
                return low;
            }
            if (Statistic(first, second, high, continuity) >= target)
            {
                return high;
            }
            return Between(low, high, d => Statistic(first, second, d, continuity) > target);
        }
        // Where as many differences lie above as below there is a plateau at 0: its middle.
        double estimate = low.Equals(high) ? low
            : (Between(low, high, d => Above(first, second, d) > 0) + Between(low, high, d => Above(first, second, d) >= 0)) / 2;
        return new MannWhitneyShift(Root(z, true), estimate, Root(-z, true));
    }

    private static double Between(double low, double high, Func<double, bool> isBelow)
    {
        for (int i = 0; i < Halvings; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = isBelow(middle) ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }

    // Pairs whose difference is above the shift minus half of all, ties counted as halves.
    private static double Above(double[] x, double[] y, double shift) => Walk(x, y, shift).Above;

    private static double Statistic(double[] x, double[] y, double shift, bool continuity)
    {
        (double above, double ties) = Walk(x, y, shift);
        double all = x.Length + y.Length;
        double sigma = Math.Sqrt(x.Length * y.Length / 12.0 * (all + 1 - (ties / (all * (all - 1)))));
        return sigma == 0 ? 0 : (above - (continuity ? 0.5 * Math.Sign(above) : 0)) / sigma;
    }

    // Both sorted samples side by side, one distinct value at a time.
    private static (double Above, double Ties) Walk(double[] x, double[] y, double shift)
    {
        double wins = 0, ties = 0;
        int i = 0, j = 0;
        while (i < x.Length || j < y.Length)
        {
            double value = i == x.Length ? y[j] : j == y.Length ? x[i] - shift : Math.Min(x[i] - shift, y[j]);
            int fromX = i, fromY = j;
            while (i < x.Length && x[i] - shift <= value)
            {
                i++;
            }
            while (j < y.Length && y[j] <= value)
            {
                j++;
            }
            wins += (i - fromX) * (fromY + ((j - fromY) / 2.0));
            double equal = i - fromX + j - fromY;
            ties += (equal * equal * equal) - equal;
        }
        return (wins - (x.Length * y.Length / 2.0), ties);
    }
}
