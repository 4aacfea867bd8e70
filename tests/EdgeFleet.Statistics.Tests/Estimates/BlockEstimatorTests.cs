using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class BlockEstimatorTests
{
    [Fact]
    public void Ten_values_are_covered_by_the_second_and_the_ninth()
    {
        MedianEstimate estimate = BlockEstimator.Median([10, 1, 9, 2, 8, 3, 7, 4, 6, 5])!;

        Assert.Equal((5.5, 2.0, 9.0, 10), (estimate.Median, estimate.Lower, estimate.Upper, estimate.Count));
        Near.Equal(1 - (2 * 11 / 1024.0), estimate.Coverage!.Value, 1e-12);
    }

    [Theory]
    [InlineData(5, false), InlineData(6, true)]
    public void Too_few_blocks_have_no_interval_at_the_asked_confidence(int blocks, bool has)
    {
        MedianEstimate estimate = BlockEstimator.Median([.. Enumerable.Range(1, blocks).Select(i => (double)i)])!;

        Assert.Equal(has, estimate.Lower is not null && estimate.Upper is not null && estimate.Coverage >= 0.95);
    }

    [Fact]
    public void No_blocks_have_no_median()
    {
        Assert.Null(BlockEstimator.Median([]));
        Assert.Null(BlockEstimator.StandardDeviation([1]));
    }

    [Fact]
    public void The_interval_covers_the_true_median_as_often_as_it_says()
    {
        const int runs = 4000;
        Random random = new(5);
        int covered = 0;
        double coverage = 0;
        for (int run = 0; run < runs; run++)
        {
            // A skewed distribution with median ln 2.
            MedianEstimate estimate = BlockEstimator.Median([.. Enumerable.Range(0, 30).Select(_ => -Math.Log(1 - random.NextDouble()))])!;
            covered += estimate.Lower <= Math.Log(2) && Math.Log(2) <= estimate.Upper ? 1 : 0;
            coverage = estimate.Coverage!.Value;
        }
        double error = Math.Sqrt(coverage * (1 - coverage) / runs);
        Assert.InRange((double)covered / runs, coverage - (4 * error), coverage + (4 * error));
    }

    [Fact]
    public void Paired_blocks_cancel_what_both_models_share()
    {
        double[] drift = [1, 1.2, 1.5, 2, 4];
        double[] ratios = BlockEstimator.LogRatios([.. drift.Select(d => 100 * d)], [.. drift.Select(d => 80 * d)]);

        Assert.All(ratios, r => Near.Equal(Math.Log(0.8), r, 1e-12));
    }

    [Theory]
    [InlineData(0.0), InlineData(-1.0), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_block_without_a_positive_time_is_named(double bad)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => BlockEstimator.LogRatios([1, 1], [1, bad]));

        Assert.Contains("block 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Neighbours_that_move_together_are_told_from_those_that_do_not()
    {
        Random random = new(6);
        double[] apart = [.. Enumerable.Range(0, 2000).Select(_ => random.NextDouble())];
        double[] together = [.. apart.Select((_, i) => apart[Math.Max(0, i - 4)..(i + 1)].Average())];

        Assert.InRange(BlockEstimator.Autocorrelation(apart)!.Value, -0.08, 0.08);
        Assert.InRange(BlockEstimator.Autocorrelation(together)!.Value, 0.7, 0.9);
        Assert.Null(BlockEstimator.Autocorrelation(apart[..19]));
        Assert.Null(BlockEstimator.Autocorrelation(new double[30]));
    }

    [Fact]
    public void The_upper_rate_is_clopper_pearson()
    {
        Near.Equal(1 - Math.Pow(0.05, 1.0 / 30), BlockEstimator.UpperRate(0, 30), 1e-9);
        Assert.Equal(1, BlockEstimator.UpperRate(0, 0));
        Assert.Equal(1, BlockEstimator.UpperRate(7, 7));
        // One event in ten: (1 - p)^10 + 10 p (1 - p)^9 = 0.05 at the bound.
        double p = BlockEstimator.UpperRate(1, 10);
        Near.Equal(0.05, Math.Pow(1 - p, 10) + (10 * p * Math.Pow(1 - p, 9)), 1e-9);
    }
}
