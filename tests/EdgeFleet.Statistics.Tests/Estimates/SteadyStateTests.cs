using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class SteadyStateTests
{
    private static readonly double[] s_level = [100, 101, 99.5, 100.5, 99, 101, 100, 100.2];

    [Fact]
    public void Windows_that_agree_without_a_trend_are_steady()
    {
        SteadyState state = SteadyState.Of(s_level);

        Assert.True(state.IsSteady, state.Reason);
        Assert.Equal(0.01, state.Spread!.Value, 9);
        Assert.True(state.TrendPValue > 0.5, state.Reason);
    }

    [Fact]
    public void Fewer_than_eight_windows_are_never_steady()
    {
        SteadyState state = SteadyState.Of(s_level[..7]);

        Assert.False(state.IsSteady);
        Assert.Null(state.TrendPValue);
        Assert.Contains("7 windows are fewer than 8", state.Reason, StringComparison.Ordinal);
        Assert.False(SteadyState.Of([]).IsSteady);
    }

    [Theory, InlineData(103.0, true), InlineData(103.2, false), InlineData(97.2, true), InlineData(97.0, false)]
    public void The_last_three_windows_may_lie_three_percent_apart(double last, bool steady)
    {
        double[] windows = [100, 104, 99, 103, 98, 100, 100, last];
        Assert.Equal(steady, SteadyState.Of(windows).IsSteady);
    }

    [Fact]
    public void A_slow_drift_whose_neighbours_agree_is_not_steady()
    {
        double[] drift = [.. Enumerable.Range(0, 8).Select(i => 100 + (0.3 * i))];
        SteadyState up = SteadyState.Of(drift), down = SteadyState.Of([.. drift.Reverse()]);

        Assert.True(up.Spread < 0.01, up.Reason);
        Assert.False(up.IsSteady || down.IsSteady);
    }

    [Fact]
    public void The_level_of_the_trend_is_five_percent_on_both_sides()
    {
        // S = 16 of eight values has a chance of 0.061, S = 18 one of 0.031.
        double[] sixteen = [1.000, 1.001, 1.002, 1.003, 1.007, 1.006, 1.005, 1.004], eighteen = [1.000, 1.001, 1.002, 1.003, 1.007, 1.006, 1.004, 1.005];

        Assert.True(SteadyState.Of(sixteen).IsSteady);
        Assert.False(SteadyState.Of(eighteen).IsSteady);
        Assert.Equal(0.061, SteadyState.Of(sixteen).TrendPValue!.Value, 3);
        Assert.Equal(0.031, SteadyState.Of(eighteen).TrendPValue!.Value, 3);
    }

    [Fact]
    public void What_came_before_the_last_eight_windows_is_forgotten()
    {
        double[] cold = [500, 400, 300, 200, 150, 120];

        Assert.False(SteadyState.Of([.. cold, .. s_level[..4]]).IsSteady);
        Assert.True(SteadyState.Of([.. cold, .. s_level]).IsSteady);
    }

    [Fact]
    public void Windows_of_exactly_one_value_are_steady() => Assert.True(SteadyState.Of([.. Enumerable.Repeat(6400.0, 8)]).IsSteady);

    [Theory, InlineData(0.0), InlineData(-1.0), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_median_that_is_no_latency_is_named(double bad) => Assert.Contains(
        "window 2", Assert.Throws<ArgumentException>(() => SteadyState.Of([1, 1, bad])).Message, StringComparison.Ordinal);
}
