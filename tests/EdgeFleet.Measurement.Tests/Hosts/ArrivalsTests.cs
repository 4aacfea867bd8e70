using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Hosts;

public sealed class ArrivalsTests
{
    [Fact]
    public void Gaps_are_exponential_with_the_mean_that_was_asked_for()
    {
        long[] starts = Arrivals.Draw(seed: 5, meanGap: 1000, duration: 10_000_000, most: 100_000);

        Assert.InRange(starts.Length, 9700, 10_300); // Poisson of 10,000: three standard deviations
        double[] gaps = [.. starts.Zip(starts.Skip(1), (a, b) => (double)(b - a))];
        Assert.All(gaps, gap => Assert.True(gap >= 0));
        // Of an exponential distribution 1 - 1/e lies below the mean.
        Assert.InRange(gaps.Count(gap => gap < 1000) / (double)gaps.Length, 0.62, 0.645);
        Assert.Equal(starts, Arrivals.Draw(5, 1000, 10_000_000, 100_000));
        Assert.Equal(starts[..50], Arrivals.Draw(5, 1000, 10_000_000, 50));
    }
}
