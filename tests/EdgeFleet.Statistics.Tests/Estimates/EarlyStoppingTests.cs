using System.Numerics;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class EarlyStoppingTests
{
    private static readonly int[] s_overLatency = [1, 2, 3, 5, 10];

    [Theory]
    [InlineData(0.50, new[] { 11L, 14, 17, 22, 35 })]
    [InlineData(0.90, new[] { 64L, 81, 97, 127, 197 })]
    [InlineData(0.95, new[] { 130L, 165, 198, 259, 398 })]
    [InlineData(0.99, new[] { 662L, 838, 1001, 1307, 2010 })]
    [InlineData(0.999, new[] { 6636L, 8403, 10042, 13105, 20140 })]
    public void As_many_samples_are_needed_as_loadgen_asks_for(double percentile, long[] samples) =>
        Assert.Equal(samples, s_overLatency.Select(t => EarlyStopping.SamplesNeeded(percentile, t)));

    [Theory, InlineData(0.90, 44), InlineData(0.99, 459)]
    public void Even_with_no_sample_over_the_latency_some_are_needed(double percentile, long samples)
    {
        Assert.Equal(samples, EarlyStopping.SamplesNeeded(percentile, 0));
        Assert.Equal(0, EarlyStopping.MostOverLatency(percentile, samples));
        Assert.Null(EarlyStopping.MostOverLatency(percentile, samples - 1));
    }

    [Theory]
    [InlineData(0.90, 100, 3)] // LoadGen: "would discard 2 highest" (mlcommons/inference issue 1630)
    [InlineData(0.90, 398_789, 39_438)] // and 39437 in the Orin's single-stream log of MLPerf Inference 3.1
    [InlineData(0.90, 1000, 78), InlineData(0.95, 1000, 34), InlineData(0.99, 1000, 2)]
    public void As_many_samples_may_be_over_the_latency_as_loadgen_allows(double percentile, long samples, long overLatency)
    {
        Assert.Equal(overLatency, EarlyStopping.MostOverLatency(percentile, samples));
        Assert.True(EarlyStopping.SamplesNeeded(percentile, overLatency) <= samples);
        Assert.True(EarlyStopping.SamplesNeeded(percentile, overLatency + 1) > samples);
    }

    [Fact]
    public void The_samples_needed_are_the_fewest_by_whole_numbers()
    {
        foreach (int permille in new[] { 1, 37, 250, 500, 800, 900, 950, 990, 999 })
        {
            foreach (int overLatency in new[] { 0, 1, 2, 4, 7, 11 })
            {
                int samples = (int)EarlyStopping.SamplesNeeded(permille / 1000.0, overLatency);
                Assert.True(IsUnlikely(samples, overLatency, permille), $"{samples} samples are too few for {overLatency} at {permille}");
                Assert.False(IsUnlikely(samples - 1, overLatency, permille), $"{samples} samples are too many for {overLatency} at {permille}");
            }
        }
    }

    [Fact]
    public void The_estimate_leaves_out_one_less_than_may_be_over_it()
    {
        double[] latencies = [.. Enumerable.Range(1, 100).Select(i => (double)i).Reverse()];

        Assert.Equal(new EarlyStoppingEstimate(0.90, 98, 2, 100), EarlyStopping.Estimate(0.90, latencies));
        Assert.Equal(new EarlyStoppingEstimate(0.90, 64, 0, 64), EarlyStopping.Estimate(0.90, latencies[36..]));
    }

    [Theory, InlineData(0.90, 63), InlineData(0.99, 661), InlineData(0.99, 0)]
    public void Too_few_samples_have_no_estimate(double percentile, int samples)
    {
        Assert.Null(EarlyStopping.Estimate(percentile, new double[samples]));
        Assert.NotNull(EarlyStopping.Estimate(percentile, new double[662]));
    }

    [Fact]
    public void The_estimate_is_too_low_no_more_often_than_it_says()
    {
        const int runs = 2000;
        Random random = new(31);
        int tooLow = 0;
        for (int run = 0; run < runs; run++)
        {
            double[] latencies = [.. Enumerable.Range(0, 200).Select(_ => random.NextDouble())];
            tooLow += EarlyStopping.Estimate(0.9, latencies)!.Value < 0.9 ? 1 : 0;
        }
        // Ten may be over; it is too low where at most nine are: P(Bin(200, 0.1) ≤ 9) = 0.0035.
        Assert.InRange(tooLow / (double)runs, 0.001, 0.01 + (3 * Math.Sqrt(0.01 * 0.99 / runs)));
    }

    [Theory]
    [InlineData(0.0, 10), InlineData(1.0, 10), InlineData(double.NaN, 10), InlineData(0.9, -1)]
    public void What_is_no_share_or_no_count_is_refused(double percentile, long count)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => EarlyStopping.SamplesNeeded(percentile, count));
        Assert.Throws<ArgumentOutOfRangeException>(() => EarlyStopping.MostOverLatency(percentile, count));
    }

    [Fact]
    public void A_latency_that_is_not_a_number_is_named()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => EarlyStopping.Estimate(0.9, [1, 2, double.NaN]));
        Assert.Contains("value 2", error.Message, StringComparison.Ordinal);
    }

    /// <summary>P(Bin(n, 1 - p) ≤ t) ≤ 0.01, in whole numbers.</summary>
    private static bool IsUnlikely(int samples, int overLatency, int permille)
    {
        BigInteger sum = 0, ways = 1;
        for (int over = 0; over <= Math.Min(overLatency, samples); over++)
        {
            sum += ways * BigInteger.Pow(1000 - permille, over) * BigInteger.Pow(permille, samples - over);
            ways = ways * (samples - over) / (over + 1);
        }
        return sum * 100 <= BigInteger.Pow(1000, samples);
    }
}
