using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Statistics.Tests.Estimates;

public sealed class SeriesMomentsTests
{
    [Theory, InlineData(20, 0.0), InlineData(200, 0.8), InlineData(10_000, -0.5)]
    public void The_sums_tell_the_same_correlation_as_the_values(int count, double rho)
    {
        Random random = new(count);
        List<double> values = [];
        double off = 0;
        SeriesMoments moments = default;
        for (int i = 0; i < count; i++)
        {
            off = (rho * off) + (0.01 * (random.NextDouble() - 0.5));
            values.Add(0.5 + off);
            moments = moments.With(0.5 + off);
        }

        Assert.Equal(BlockEstimator.Autocorrelation(values)!.Value, moments.Autocorrelation()!.Value, 7);
    }

    [Fact]
    public void Too_few_values_or_equal_ones_tell_nothing()
    {
        Assert.Null(Enumerable.Range(0, 19).Aggregate(default(SeriesMoments), (sums, i) => sums.With(i)).Autocorrelation());
        Assert.Null(Enumerable.Range(0, 5000).Aggregate(default(SeriesMoments), (sums, _) => sums.With(1.0 / 3)).Autocorrelation());
        Assert.Null(Enumerable.Range(0, 5000).Aggregate(default(SeriesMoments), (sums, _) => sums.With(0)).Autocorrelation());
    }
}
