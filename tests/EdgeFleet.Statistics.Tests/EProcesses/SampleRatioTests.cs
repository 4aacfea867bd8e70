using EdgeFleet.Statistics.EProcesses;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class SampleRatioTests
{
    private static readonly double[] s_shares = [.4, .4, .2];

    [Fact]
    public void Units_one_by_one_match_the_published_figures()
    {
        long[] counts = [2, 2, 1];

        Near.Equal(-6.4457198193855785, SampleRatio.LogAlternative(counts, 1));
        Near.Equal(-5.27460083993072, SampleRatio.LogNull(counts, s_shares));
    }

    [Fact]
    public void Aggregates_match_the_published_figures()
    {
        long[][] blocks = [[20, 17, 9], [18, 21, 8], [4, 6, 4], [18, 19, 11]];
        long[] counts = [.. Enumerable.Range(0, 3).Select(arm => blocks.Sum(b => b[arm]))];
        double arrangements = blocks.Sum(b => SampleRatio.LogArrangements(b));

        Near.Equal(-19.96484521090386, arrangements + SampleRatio.LogAlternative(counts, 1));
        Near.Equal(-15.781031228536165, arrangements + SampleRatio.LogNull(counts, s_shares));
        Near.Equal(-19.96484521090386 + 15.781031228536165, SampleRatio.LogE(counts, s_shares));
    }

    [Fact]
    public void No_reports_are_no_evidence_and_shares_need_not_add_up_to_one()
    {
        Near.Equal(0, SampleRatio.LogE([0, 0], [1, 1]));
        Near.Equal(SampleRatio.LogE([30, 70, 10], s_shares), SampleRatio.LogE([30, 70, 10], [4, 4, 2]));
    }

    [Fact]
    public void A_lost_twentieth_of_one_arm_is_found_once_there_are_enough_reports()
    {
        Assert.True(SampleRatio.LogE([1000, 950], [1, 1]) < Math.Log(20));
        Assert.True(SampleRatio.LogE([100_000, 95_000], [1, 1]) > Math.Log(20));
        // Who expects a small mismatch finds it sooner.
        Assert.True(SampleRatio.LogE([10_000, 9_500], [1, 1], 200) > SampleRatio.LogE([10_000, 9_500], [1, 1]));
    }

    [Fact]
    public void Which_arm_is_named_first_does_not_matter()
    {
        Check.One(Checks.Config, Prop.ForAll(Gen.Choose(0, 5000).Two().ToArbitrary(), Checks.OpenUnit(), (n, share) =>
            Math.Abs(SampleRatio.LogE([n.Item1, n.Item2], [share, 1 - share]) - SampleRatio.LogE([n.Item2, n.Item1], [1 - share, share])) < 1e-7));
    }

    [Theory]
    [InlineData(0.5), InlineData(0.2)]
    public void Under_the_null_the_e_value_is_one_on_average_exactly(double share)
    {
        // Every number of reports of the first arm among 40 with its probability: nothing is left to the luck of a simulation.
        double expected = 0;
        for (int n = 0; n <= 40; n++)
        {
            double log = SampleRatio.LogArrangements([n, 40 - n]) + SampleRatio.LogNull([n, 40 - n], [share, 1 - share]);
            expected += Math.Exp(log + SampleRatio.LogE([n, 40 - n], [share, 1 - share]));
        }
        Near.Equal(1, expected);
    }

    [Fact]
    public void Looking_after_every_report_raises_few_false_alarms()
    {
        const int runs = 2000, reports = 2000;
        Random random = new(5);
        int alarms = 0;
        for (int run = 0; run < runs; run++)
        {
            long[] counts = [0, 0];
            for (int report = 0; report < reports; report++)
            {
                counts[random.NextDouble() < 0.5 ? 0 : 1]++;
                if (report % 10 == 9 && SampleRatio.LogE(counts, [1, 1]) >= Math.Log(20))
                {
                    alarms++;
                    break;
                }
            }
        }
        Assert.InRange(alarms, 0, (int)(runs * (0.05 + (3 * Math.Sqrt(0.05 * 0.95 / runs)))));
    }

    [Fact]
    public void What_is_no_ratio_is_a_bug()
    {
        Assert.Throws<ArgumentException>(() => SampleRatio.LogE([1, 2], [1]));
        Assert.Throws<ArgumentException>(() => SampleRatio.LogE([1], [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => SampleRatio.LogE([1, -2], [1, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => SampleRatio.LogE([1, 2], [1, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => SampleRatio.LogE([1, 2], [1, 1], 0));
    }
}
