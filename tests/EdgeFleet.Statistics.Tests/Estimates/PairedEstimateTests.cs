using EdgeFleet.Statistics.Estimates;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class PairedEstimateTests
{
    private const double Rounding = 1e-12;

    [Fact]
    public void The_interval_is_the_mean_and_t_standard_errors()
    {
        // Sum 0.12, mean 0.01; squared distances from it sum to 11 × 0.0001.
        double[] blocks = [.. Enumerable.Repeat(0, 12).Select((_, i) => 0.01 + ((i % 2 == 0 ? 1 : -1) * Math.Sqrt(11 * 1e-4 / 12)))];

        PairedEstimate estimate = PairedEstimate.Of(blocks, 0.0221)!;

        Near.Equal(0.01, estimate.Mean, 1e-12);
        Near.Equal(0.01, estimate.StandardDeviation!.Value, 1e-12);
        Near.Equal(2.662 * 0.01 / Math.Sqrt(12), estimate.HalfWidth!.Value, 2e-4);
        Near.Equal(0.01 - estimate.HalfWidth.Value, estimate.Lower!.Value, 1e-12);
        Near.Equal(0.01 + estimate.HalfWidth.Value, estimate.Upper!.Value, 1e-12);
        Assert.Equal((12, 0.0221), (estimate.Count, estimate.Alpha));
    }

    [Fact]
    public void One_block_has_no_interval_and_none_has_no_estimate()
    {
        PairedEstimate one = PairedEstimate.Of([0.3])!;
        Assert.Equal((0.3, null, null, null), (one.Mean, one.HalfWidth, one.Lower, one.Upper));
        Assert.Null(PairedEstimate.Of([]));
    }

    [Fact]
    public void Equal_blocks_have_exactly_their_value()
    {
        PairedEstimate estimate = PairedEstimate.Of([.. Enumerable.Repeat(0.1, 12)])!;
        Assert.Equal((0.1, 0.0, 0.1, 0.1), (estimate.Mean, estimate.HalfWidth, estimate.Lower, estimate.Upper));
    }

    [Fact]
    public void A_common_factor_moves_the_interval_and_does_not_widen_it() =>
        Check.One(Checks.Config, Prop.ForAll(Blocks(), Shift(), (blocks, shift) =>
        {
            PairedEstimate before = PairedEstimate.Of(blocks)!, after = PairedEstimate.Of([.. blocks.Select(d => d + shift)])!;
            return Math.Abs(after.Mean - (before.Mean + shift)) < Rounding && Math.Abs(after.HalfWidth!.Value - before.HalfWidth!.Value) < Rounding;
        }));

    [Fact]
    public void A_wider_scatter_widens_the_interval_in_proportion() =>
        Check.One(Checks.Config, Prop.ForAll(Blocks(), blocks =>
            Math.Abs(PairedEstimate.Of([.. blocks.Select(d => 3 * d)])!.HalfWidth!.Value - (3 * PairedEstimate.Of(blocks)!.HalfWidth!.Value)) < Rounding));

    [Fact]
    public void The_order_of_the_blocks_changes_no_bit() =>
        Check.One(Checks.Config, Prop.ForAll(Blocks(), Gen.Choose(0, 1000).ToArbitrary(), (blocks, seed) =>
        {
            double[] shuffled = [.. blocks];
            new Random(seed).Shuffle(shuffled);
            return PairedEstimate.Of(shuffled) == PairedEstimate.Of(blocks);
        }));

    [Fact]
    public void Swapping_baseline_and_candidate_mirrors_the_interval() =>
        Check.One(Checks.Config, Prop.ForAll(Blocks(), blocks =>
        {
            PairedEstimate one = PairedEstimate.Of(blocks)!, other = PairedEstimate.Of([.. blocks.Select(d => -d)])!;
            return Math.Abs(one.Lower!.Value + other.Upper!.Value) < Rounding && Math.Abs(one.Upper!.Value + other.Lower!.Value) < Rounding;
        }));

    [Theory, InlineData(0.05), InlineData(0.0221)]
    public void The_interval_misses_the_true_mean_as_often_as_it_says_on_either_side(double alpha)
    {
        const int runs = 8000;
        Random random = new(33);
        int above = 0, below = 0;
        for (int run = 0; run < runs; run++)
        {
            PairedEstimate estimate = PairedEstimate.Of([.. Enumerable.Range(0, 12).Select(_ => 0.02 + (0.01 * Normal(random)))], alpha)!;
            above += estimate.Lower > 0.02 ? 1 : 0;
            below += estimate.Upper < 0.02 ? 1 : 0;
        }
        double error = Math.Sqrt(alpha / 2 / runs);
        Assert.InRange(above / (double)runs, (alpha / 2) - (4 * error), (alpha / 2) + (4 * error));
        Assert.InRange(below / (double)runs, (alpha / 2) - (4 * error), (alpha / 2) + (4 * error));
    }

    [Theory, InlineData(double.NaN), InlineData(double.NegativeInfinity)]
    public void A_block_that_is_not_finite_is_named(double bad) => Assert.Contains(
        "value 1", Assert.Throws<ArgumentException>(() => PairedEstimate.Of([0, bad, 0])).Message, StringComparison.Ordinal);

    [Theory, InlineData(0.0), InlineData(1.0), InlineData(double.NaN)]
    public void A_level_outside_0_and_1_is_refused(double alpha) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PairedEstimate.Of([0, 1], alpha));

    private static Arbitrary<double[]> Blocks() =>
        Gen.Choose(-2000, 2000).Select(i => i / 10_000.0).ArrayOf().Where(blocks => blocks.Length >= 2).ToArbitrary();

    private static Arbitrary<double> Shift() => Gen.Choose(-5000, 5000).Select(i => i / 10_000.0).ToArbitrary();

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
