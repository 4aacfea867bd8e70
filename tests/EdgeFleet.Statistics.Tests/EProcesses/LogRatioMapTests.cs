using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class LogRatioMapTests
{
    [Fact]
    public void The_margin_lands_on_one_half_and_what_is_beyond_the_range_on_its_ends()
    {
        LogRatioMap map = LogRatioMap.Create(0.05, null);

        Near.Equal(0.5, map.ToUnit(Math.Log(1.05)));
        Assert.Equal(1, map.ToUnit(5));
        Assert.Equal(0, map.ToUnit(-5));
        Assert.Equal(0, map.ToUnit(double.NegativeInfinity));
        Near.Equal(0.75, map.ToUnit(Math.Log(1.05) + 0.05));
    }

    [Theory]
    [InlineData(null, 0.10), InlineData(0.001, 0.10), InlineData(0.05, 0.20)]
    public void The_range_is_four_times_the_noise_but_never_narrow(double? noise, double expected)
    {
        Near.Equal(expected, LogRatioMap.Create(0.05, noise).WidthLogRatio);
    }

    [Fact]
    public void Inside_the_range_the_map_is_undone()
    {
        LogRatioMap map = new(0.1, 0.4);

        Near.Equal(0.3, map.ToLogRatio(map.ToUnit(0.3)));
        Near.Equal(-0.25, map.ToLogRatio(map.ToUnit(-0.25)));
    }

    [Fact]
    public void A_ratio_that_is_no_number_is_a_bug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LogRatioMap(0, 0.1).ToUnit(double.NaN));
    }
}
