using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class GroupSequentialTests
{
    [Theory]
    [InlineData(0, null, 12), InlineData(11, null, 12), InlineData(12, 1, 20), InlineData(13, null, 20), InlineData(20, 2, 30), InlineData(30, 3, null), InlineData(31, null, null)]
    public void The_standard_plan_looks_at_12_20_and_30_blocks(int blocks, int? number, int? next)
    {
        SequentialLook look = GroupSequential.Standard.At(blocks);

        Assert.Equal(new SequentialLook(blocks, number, 3, 0.0221, next), look);
        Assert.Equal(next is not null, look.MayGoOn);
    }

    [Fact]
    public void The_intervals_at_its_looks_have_the_published_critical_values()
    {
        double[] criticals = [.. GroupSequential.Standard.Looks.Select(blocks => StudentT.TwoSidedCritical(GroupSequential.Standard.Alpha, blocks - 1))];

        Assert.Equal([2.662, 2.492, 2.418], criticals.Select(t => Math.Round(t, 3)));
        Assert.Equal(30, GroupSequential.Standard.MostBlocks);
    }

    [Fact]
    public void A_protocol_of_its_own_length_has_one_look_at_the_whole_level()
    {
        GroupSequential plan = GroupSequential.OneLook(6);

        Assert.Equal(new SequentialLook(6, 1, 1, 0.05, null), plan.At(6));
        Assert.Equal(new SequentialLook(5, null, 1, 0.05, 6), plan.At(5));
    }

    [Fact]
    public void Three_looks_together_find_a_difference_where_there_is_none_as_often_as_one_would()
    {
        const int runs = 4000;
        Random random = new(34);
        int called = 0, calledAtTheWholeLevel = 0;
        for (int run = 0; run < runs; run++)
        {
            double[] blocks = [.. Enumerable.Range(0, 30).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
            called += IsCalled(blocks, GroupSequential.Standard.Alpha) ? 1 : 0;
            calledAtTheWholeLevel += IsCalled(blocks, 0.05) ? 1 : 0;
        }
        double error = Math.Sqrt(0.05 * 0.95 / runs);
        Assert.InRange(called / (double)runs, 0.05 - (4 * error), 0.05 + (3 * error));
        // The control: who does not share the level out among the looks is wrong twice as often.
        Assert.True(calledAtTheWholeLevel / (double)runs > 0.08, $"{calledAtTheWholeLevel} of {runs}");

        static bool IsCalled(double[] blocks, double alpha) => GroupSequential.Standard.Looks.Any(look =>
            PairedEstimate.Of(blocks[..look], alpha) is { } estimate && (estimate.Lower > 0 || estimate.Upper < 0));
    }

    [Fact]
    public void What_cannot_be_judged_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => GroupSequential.OneLook(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => GroupSequential.Standard.At(-1));
    }
}
