using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Labels;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.Labels;

public sealed class LabelTests
{
    [Fact]
    public void A_brier_score_is_half_the_squared_distance_from_certainty()
    {
        Assert.Equal(0, BrierScore.Of([0, 1, 0], 1));
        Assert.Equal(1, BrierScore.Of([0, 1, 0], 2));
        Near.Equal(0.5 * ((0.5 * 0.5) + (0.25 * 0.25) + (0.25 * 0.25)), BrierScore.Of([.5f, .25f, .25f], 0));
        Near.Equal(0.25 * 0.25, BrierScore.Of([.75f, .25f], 0)); // of two classes it is (p - y)^2
    }

    [Fact]
    public void What_is_no_probability_is_a_bug()
    {
        Assert.Throws<ArgumentException>(() => BrierScore.Of([.5f, .6f], 0));
        Assert.Throws<ArgumentException>(() => BrierScore.Of([float.NaN, 1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => BrierScore.Of([.5f, .5f], 2));
        Assert.Throws<ArgumentException>(() => CalibrationError.Of([.5], [true, false]));
        Assert.Throws<ArgumentException>(() => CalibrationError.Of([.5, double.NaN], [true, false]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CalibrationError.Of([], [], 0));
    }

    [Fact]
    public void The_mean_brier_score_is_lowest_for_the_probability_that_is_true()
    {
        double Mean(float p) => (0.7 * BrierScore.Of([p, 1 - p], 0)) + (0.3 * BrierScore.Of([p, 1 - p], 1));

        Assert.All(Enumerable.Range(0, 101).Where(i => i != 70), i => Assert.True(Mean(i / 100f) > Mean(0.7f)));
    }

    [Fact]
    public void The_calibration_error_is_the_gap_of_each_bin_weighted_by_its_rows()
    {
        // Two bins of two rows: 0.3 said and none right, 0.85 said and one right: (2 * 0.3 + 2 * 0.35) / 4.
        Near.Equal(0.325, CalibrationError.Of([.9, .2, .4, .8], [true, false, false, false], 2)!.Value);
        Near.Equal(0, CalibrationError.Of([1, 1, 0, 0], [true, true, false, false])!.Value);
        Near.Equal(1, CalibrationError.Of([1, 1, 1], [false, false, false])!.Value);
        Assert.Null(CalibrationError.Of([], []));
    }

    [Fact]
    public void The_order_of_the_rows_does_not_matter_to_the_calibration_error()
    {
        Arbitrary<(double, bool)[]> rows = Gen.Choose(0, 10).Select(i => i / 10.0).Zip(Gen.Elements(true, false)).ArrayOf().ToArbitrary();
        Check.One(Checks.Config, Prop.ForAll(rows, sample =>
        {
            (double, bool)[] turned = [.. sample.Reverse()];
            double? straight = Of(sample), again = Of(turned);
            return straight is null ? again is null : Math.Abs(straight.Value - again!.Value) < 1e-12 && straight is >= 0 and <= 1;
        }));

        static double? Of((double, bool)[] sample) => CalibrationError.Of([.. sample.Select(r => r.Item1)], [.. sample.Select(r => r.Item2)], 4);
    }

    [Fact]
    public void Flips_are_counted_apart_where_the_accuracy_stays_the_same()
    {
        LabelledPairs pairs = default;
        Assert.Null(pairs.NegativeFlipRate);
        Near.Equal(0, pairs.LogSign);
        foreach ((bool before, bool after, int times) in (IEnumerable<(bool, bool, int)>)[(true, true, 80), (true, false, 5), (false, true, 5), (false, false, 10)])
        {
            for (int i = 0; i < times; i++)
            {
                pairs = pairs.With(before, after);
            }
        }

        Assert.Equal(new LabelledPairs(80, 10, 5, 5), pairs);
        Assert.Equal(0.05, pairs.NegativeFlipRate);
        Assert.Equal(0, pairs.AccuracyDifference);
        Near.Equal(CountEValues.LogSign(5, 5), pairs.LogSign);
        Assert.Equal(new LabelledPairs(160, 20, 10, 10), pairs + pairs);
    }
}
