using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// Mann and Kendall's test for a trend (Mann, Econometrica 13, 1945; Kendall, Rank Correlation Methods): S counts the pairs
/// that rise less the pairs that fall. Up to 20 values its distribution is exact, ties included; beyond, it is normal with
/// the variance corrected for ties and S corrected for continuity.
/// </summary>
/// <param name="S">Rising pairs less falling pairs.</param>
/// <param name="PValue">Two-sided: how likely a sequence without a trend has an S this far from 0.</param>
/// <param name="Count">Number of values.</param>
public sealed record MannKendall(long S, double PValue, int Count)
{
    // 20! is the last factorial below 2^63.
    private const int MostExact = 20;

    /// <param name="values">In the order in which they were measured; any unit.</param>
    /// <exception cref="ArgumentException">A value is not finite.</exception>
    public static MannKendall Of(IReadOnlyList<double> values)
    {
        int[] ties = TiesOf(SortedValues.Of(values, nameof(values)));
        long s = 0;
        for (int later = 1; later < values.Count; later++)
        {
            for (int earlier = 0; earlier < later; earlier++)
            {
                s += Math.Sign(values[later] - values[earlier]);
            }
        }
        double p = values.Count <= MostExact ? ExactTail(Math.Abs(s), ties) : NormalTail(Math.Abs(s), values.Count, ties);
        return new MannKendall(s, p, values.Count);
    }

    /// <summary>How often each distinct value occurs.</summary>
    private static int[] TiesOf(double[] sorted)
    {
        List<int> ties = [];
        for (int i = 0; i < sorted.Length; i++)
        {
            if (i == 0 || sorted[i] != sorted[i - 1])
            {
                ties.Add(0);
            }
            ties[^1]++;
        }
        return [.. ties];
    }

    /// <summary>
    /// P(|S| ≥ s) over all orders of the values. Orders with k falling pairs are counted by the coefficients of the Gaussian
    /// multinomial [n]! / ([t1]! [t2]! …) of the ties (Andrews, The Theory of Partitions, theorem 3.6): the product of
    /// (1 - q^n) over that of (1 - q^t), multiplied out factor by factor.
    /// </summary>
    private static double ExactTail(long s, int[] ties)
    {
        int n = ties.Sum();
        int untiedPairs = Pairs(n) - ties.Sum(Pairs);
        long[] orders = new long[untiedPairs + 1];
        orders[0] = 1;
        int placed = 0;
        foreach (int tie in ties)
        {
            for (int i = 1; i <= tie; i++)
            {
                placed++;
                for (int k = untiedPairs; k >= placed; k--)
                {
                    orders[k] -= orders[k - placed];
                }
                for (int k = i; k <= untiedPairs; k++)
                {
                    orders[k] += orders[k - i];
                }
            }
        }
        double all = 0, asFar = 0;
        for (int falling = 0; falling <= untiedPairs; falling++)
        {
            all += orders[falling];
            asFar += Math.Abs(untiedPairs - (2L * falling)) >= s ? orders[falling] : 0;
        }
        return asFar / all;
    }

    private static double NormalTail(long s, int n, int[] ties)
    {
        double variance = (Spread(n) - ties.Sum(Spread)) / 18;
        return s <= 1 ? 1 : SpecialFunctions.TwoSidedNormalTail((s - 1) / Math.Sqrt(variance));
    }

    private static double Spread(int n) => n * (n - 1.0) * ((2.0 * n) + 5);

    private static int Pairs(int n) => n * (n - 1) / 2;
}
