using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class PercentileIntervalTests
{
    [Theory]
    [InlineData(1000, 0.50, 500, 469, 532)]
    [InlineData(1000, 0.90, 900, 881, 919)]
    [InlineData(1000, 0.95, 950, 936, 964)]
    [InlineData(1000, 0.99, 990, 983, 997)]
    [InlineData(3000, 0.99, 2970, 2959, 2981)]
    public void The_ranks_at_95_percent_are_those_of_the_binomial(int count, double percentile, int rank, int lower, int upper) =>
        Assert.Equal(new PercentileRanks(rank, lower, upper), PercentileRanks.Of(count, percentile));

    [Fact]
    public void An_end_that_the_samples_are_too_few_for_is_unknown_and_not_the_maximum()
    {
        double[] samples = [.. Enumerable.Range(1, 300).Select(i => (double)i)];

        PercentileInterval p99 = PercentileInterval.Of(samples, 0.99)!;
        Assert.Equal((297.0, 300, null), (p99.Value, p99.Count, p99.Upper));
        Assert.InRange(p99.Lower!.Value, 290, 296);

        PercentileInterval p1 = PercentileInterval.Of(samples, 0.01)!;
        Assert.Equal((3.0, null), (p1.Value, p1.Lower));
        Assert.InRange(p1.Upper!.Value, 4, 11);

        PercentileInterval one = PercentileInterval.Of([7], 0.5)!;
        Assert.Equal((7.0, null, null), (one.Value, one.Lower, one.Upper));
        Assert.Null(PercentileInterval.Of([], 0.5));
    }

    [Fact]
    public void Each_end_is_the_innermost_that_misses_seldom_enough()
    {
        foreach (int count in new[] { 1, 2, 5, 6, 17, 60 })
        {
            foreach (double percentile in new[] { 0.05, 0.5, 0.75, 0.9 })
            {
                foreach (double confidence in new[] { 0.8, 0.95, 0.99 })
                {
                    double[] chance = Binomial(count, percentile);
                    double miss = (1 - confidence) / 2;
                    int? lower = null, upper = null;
                    for (int rank = 1; rank <= count; rank++)
                    {
                        lower = chance[..rank].Sum() <= miss ? rank : lower;
                        upper ??= chance[rank..].Sum() <= miss ? rank : null;
                    }
                    PercentileRanks ranks = PercentileRanks.Of(count, percentile, confidence);
                    Assert.Equal((lower, upper), (ranks.Lower, ranks.Upper));
                }
            }
        }
    }

    [Theory]
    [InlineData(100, 0.07, 7), InlineData(1000, 0.057, 57), InlineData(10, 0.25, 3), InlineData(4, 0.5, 2), InlineData(1, 0.99, 1), InlineData(400_000, 0.999, 399_600)]
    public void The_nearest_rank_is_not_moved_by_a_rounded_product(int count, double percentile, int rank) =>
        Assert.Equal(rank, PercentileRanks.Of(count, percentile).Rank);

    [Fact]
    public void The_interval_is_of_observed_values_in_any_order()
    {
        Random random = new(32);
        double[] samples = [.. Enumerable.Range(1, 1000).Select(i => i * 10.0)];
        random.Shuffle(samples);

        PercentileInterval p90 = PercentileInterval.Of(samples, 0.9)!;

        Assert.Equal(new PercentileInterval(0.9, 9000, 8810, 9190, 1000, 0.95), p90);
    }

    [Theory]
    [InlineData(0.0, 0.95), InlineData(1.0, 0.95), InlineData(0.5, 1.0), InlineData(0.5, double.NaN)]
    public void What_is_no_share_is_refused(double percentile, double confidence) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PercentileInterval.Of([1, 2], percentile, confidence));

    [Fact]
    public void A_sample_that_is_not_finite_is_named() => Assert.Contains(
        "value 1", Assert.Throws<ArgumentException>(() => PercentileInterval.Of([1, double.PositiveInfinity], 0.5)).Message, StringComparison.Ordinal);

    private static double[] Binomial(int n, double p)
    {
        double[] chance = [1];
        for (int trial = 0; trial < n; trial++)
        {
            double[] next = new double[chance.Length + 1];
            for (int k = 0; k < chance.Length; k++)
            {
                next[k] += chance[k] * (1 - p);
                next[k + 1] += chance[k] * p;
            }
            chance = next;
        }
        return chance;
    }
}
