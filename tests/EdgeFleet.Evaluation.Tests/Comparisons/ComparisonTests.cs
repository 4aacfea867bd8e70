using EdgeFleet.Evaluation.Comparisons;
using EdgeFleet.Evaluation.Suites;

namespace EdgeFleet.Evaluation.Tests.Comparisons;

public sealed class ComparisonTests
{
    private static readonly int[] s_labels = [0, 0, 1, 1, 2, 2, 2, 2];

    [Fact]
    public void Figures_are_counted_row_by_row()
    {
        Comparison c = Comparison.Of(s_labels, [0, 0, 1, 0, 2, 2, 2, 0], [0, 1, 1, 1, 2, 2, 0, 0], ["a", "b", "c", "d"]);

        Assert.Equal(6 / 8.0, c.Metrics.Accuracy.Baseline);
        Assert.Equal(5 / 8.0, c.Metrics.Accuracy.Candidate);
        Assert.Equal(-1 / 8.0, c.Metrics.Accuracy.Difference);
        Assert.Equal(5 / 8.0, c.Agreement);
        Assert.Equal(2 / 8.0, c.NegativeFlips);
        Assert.Equal(1 / 8.0, c.PositiveFlips);
        Assert.Equal(new ClassAccuracy(1, "b", 2, 0.5, 1, 0.5), c.PerClass[1]);
        Assert.Equal("a", c.WorstClass!.Label);
    }

    [Fact]
    public void A_class_without_rows_has_no_accuracy()
    {
        Comparison c = Comparison.Of(s_labels, s_labels, s_labels, ["a", "b", "c", "d"]);

        Assert.Equal(new ClassAccuracy(3, "d", 0, null, null, null), c.PerClass[3]);
    }

    [Fact]
    public void Rows_that_are_not_finite_are_wrong_and_agree_with_nothing()
    {
        const int No = Comparison.NoClass;
        Comparison c = Comparison.Of([0, 0], [No, 0], [No, No], []);

        Assert.Equal(0, c.Agreement);
        Assert.Equal(new NonFiniteRows(1, 2), c.NonFinite);
        Assert.Equal(0, c.Metrics.Accuracy.Candidate);
    }

    [Fact]
    public void Every_criterion_that_is_missed_is_named_and_none_that_is_met()
    {
        Comparison c = Comparison.Of(s_labels, [0, 0, 1, 0, 2, 2, 2, 0], [0, 1, 1, 1, 2, 2, 0, 0], []);
        Suite strict = new()
        {
            Name = "strict", MinRows = 9, MaxAccuracyDrop = 0.1, MaxClassAccuracyDrop = 0.4, MinAgreement = 0.9, MaxNegativeFlips = 0.1,
        };
        Suite exact = new()
        {
            Name = "exact", MinRows = 8, MaxAccuracyDrop = 0.125, MaxClassAccuracyDrop = 0.5, MinAgreement = 0.625, MaxNegativeFlips = 0.25,
        };

        Assert.Equal(
            ["minRows", "maxAccuracyDrop", "maxClassAccuracyDrop", "minAgreement", "maxNegativeFlips"],
            c.Judge(strict).Where(result => !result.Met).Select(result => result.Name));
        Assert.All(c.Judge(exact), result => Assert.True(result.Met, result.Name));
        Assert.Equal(
            "maxClassAccuracyDrop: 0.5 (class 0, 0) where at most 0.4 is asked",
            c.Sentence(c.Judge(strict).Single(result => result.Name == "maxClassAccuracyDrop")));
    }

    [Fact]
    public void A_criterion_that_the_suite_does_not_ask_is_not_judged() =>
        Assert.Equal(
            ["minRows", "maxAccuracyDrop", "maxNonFinite"],
            Comparison.Of(s_labels, s_labels, s_labels, []).Judge(new Suite { Name = "small" }).Select(result => result.Name));

    [Theory]
    [InlineData(10_000, 100, 60)]
    [InlineData(600, 4, 2)]
    [InlineData(600, 0, 0)]
    public void The_interval_holds_the_difference_and_has_a_width(int rows, int lost, int gained)
    {
        (double lower, double upper) = PairedDifference.Interval(rows, lost, gained);
        double difference = (double)(gained - lost) / rows;

        Assert.InRange(difference, lower, upper);
        Assert.True(upper - lower > 0);
    }

    [Fact]
    public void The_interval_covers_as_often_as_it_says()
    {
        // 400 rows, 3 % lost and 1 % gained in truth; the share of simulated intervals that hold -0.02.
        Random random = new(11);
        const int Trials = 4000, Rows = 400;
        int covered = 0;
        for (int trial = 0; trial < Trials; trial++)
        {
            int lost = 0, gained = 0;
            for (int row = 0; row < Rows; row++)
            {
                double u = random.NextDouble();
                lost += u < 0.03 ? 1 : 0;
                gained += u >= 0.99 ? 1 : 0;
            }

            (double lower, double upper) = PairedDifference.Interval(Rows, lost, gained);
            covered += lower <= -0.02 && -0.02 <= upper ? 1 : 0;
        }

        Assert.InRange(covered / (double)Trials, 0.94, 0.975);
    }
}
