using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class MannKendallTests
{
    [Theory]
    [InlineData(new[] { 1.0, 2, 3, 4, 5, 6, 7, 8 }, 28, 2 / 40320.0)]
    [InlineData(new[] { 8.0, 7, 6, 5, 4, 3, 2, 1 }, -28, 2 / 40320.0)]
    [InlineData(new[] { 1.0, 2, 3, 4 }, 6, 2 / 24.0)] // Kendall's table: 0.042 on one side
    [InlineData(new[] { 2.0, 2, 2, 2 }, 0, 1)]
    [InlineData(new[] { 1.0, 2 }, 1, 1)]
    [InlineData(new double[0], 0, 1)]
    public void Known_sequences_have_known_chances(double[] values, long s, double p)
    {
        MannKendall trend = MannKendall.Of(values);

        Assert.Equal((s, values.Length), (trend.S, trend.Count));
        Assert.Equal(p, trend.PValue, 12);
    }

    [Theory]
    [InlineData(new[] { 1.0, 2, 3, 4, 5, 6, 7 })]
    [InlineData(new[] { 1.0, 1, 2, 3, 4, 5, 6 })]
    [InlineData(new[] { 1.0, 1, 2, 2, 2, 3, 3 })]
    [InlineData(new[] { 1.0, 1, 1, 1, 1, 1, 2 })]
    public void The_chances_are_those_of_all_orders_of_the_values(double[] values)
    {
        List<double[]> orders = [.. Orders(values)];
        long[] all = [.. orders.Select(order => Math.Abs(S(order)))];
        foreach (double[] order in orders.Where((_, i) => i % 97 == 0))
        {
            long s = S(order);
            Assert.Equal(all.Count(other => other >= Math.Abs(s)) / (double)all.Length, MannKendall.Of(order).PValue, 12);
            Assert.Equal(s, MannKendall.Of(order).S);
        }
    }

    // By Kendall's formulas in another program: S, its variance corrected for ties, and erfc.
    [Theory]
    [MemberData(nameof(Long))]
    public void More_than_twenty_values_are_judged_by_the_normal_distribution(double[] values, long s, double p)
    {
        MannKendall trend = MannKendall.Of(values);

        Assert.Equal(s, trend.S);
        Assert.Equal(1, trend.PValue / p, 9);
        Assert.Equal(p, MannKendall.Of([.. values.Reverse()]).PValue, 9);
    }

    public static TheoryData<double[], long, double> Long() => new()
    {
        { new[] { 5.0, 3, 5, 4, 6, 2, 5, 7, 4, 5, 6, 8, 5, 4, 7, 6, 5, 8, 7, 6, 5, 9, 6, 4 }, 75, 0.060245059929018505 },
        { new[] { 0.0, 17.35, 5.7, 23.05, 11.4, 28.75, 17.1, 5.45, 22.8, 11.15, 28.5, 16.85, 5.2, 22.55, 10.9, 28.25, 16.6, 33.95, 22.3, 10.65, 28, 16.35, 33.7, 22.05, 10.4 }, 34, 0.44087649866088385 },
        { new double[25], 0, 1 },
    };

    [Fact]
    public void A_value_that_is_not_finite_is_named() => Assert.Contains(
        "value 1", Assert.Throws<ArgumentException>(() => MannKendall.Of([1, double.NaN])).Message, StringComparison.Ordinal);

    private static long S(double[] values) =>
        values.SelectMany((later, j) => values.Take(j).Select(earlier => (long)Math.Sign(later - earlier))).Sum();

    private static IEnumerable<double[]> Orders(double[] values) => values.Length == 0
        ? [[]]
        : Enumerable.Range(0, values.Length).SelectMany(i => Orders([.. values[..i], .. values[(i + 1)..]]).Select(rest => (double[])[values[i], .. rest]));
}
