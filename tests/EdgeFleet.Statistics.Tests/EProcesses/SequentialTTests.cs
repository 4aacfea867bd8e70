using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class SequentialTTests
{
    [Theory]
    [InlineData(3, 10, 9, 1.8317313815), InlineData(4, 20, 19, 4.1936585710), InlineData(2.5, 50, 49, .9728412882)]
    public void G_is_the_published_one(double t, int n, double degreesOfFreedom, double logG)
    {
        Near.Equal(logG, SequentialT.LogG(t, n, degreesOfFreedom));
    }

    [Fact]
    public void Five_equal_devices_tell_on_which_side_of_the_margin_they_lie_and_at_the_margin_nothing()
    {
        double[] devices = [.01, .02, .00, .015, .005];

        Assert.Equal(-1, SequentialT.Side(devices, 0.1, 0.05));
        Assert.Equal(1, SequentialT.Side(devices, -0.1, 0.05));
        Assert.Equal(0, SequentialT.Side(devices, 0.01, 0.05));
    }

    [Fact]
    public void No_data_one_device_and_devices_without_any_spread_are_no_evidence()
    {
        Assert.Equal(0, SequentialT.Side([], 1, 0.05));
        Assert.Equal(0, SequentialT.Side([0.2], 1, 0.05));
        Assert.Equal(0, SequentialT.Side([0.2, 0.2, 0.2], 1, 0.05));
    }

    [Fact]
    public void A_mean_that_moves_away_from_the_margin_is_never_less_certain()
    {
        double before = double.NegativeInfinity;
        for (double t = 0; t < 20; t += 0.1)
        {
            double now = SequentialT.LogG(t, 8, 7);
            Assert.True(now >= before);
            Assert.Equal(now, SequentialT.LogG(-t, 8, 7));
            before = now;
        }
    }

    [Fact]
    public void Gaussian_devices_at_the_margin_are_rarely_promoted_however_often_one_looks()
    {
        const int runs = 4000, devices = 60;
        Random random = new(6);
        int promoted = 0;
        for (int run = 0; run < runs; run++)
        {
            List<double> values = [];
            for (int device = 0; device < devices; device++)
            {
                values.Add(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
                if (SequentialT.Side(values, 0, 0.05) < 0)
                {
                    promoted++;
                    break;
                }
            }
        }
        Assert.InRange(promoted, 1, (int)(runs * (0.05 + (3 * Math.Sqrt(0.05 * 0.95 / runs)))));
    }

    [Fact]
    public void What_is_no_statistic_is_a_bug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SequentialT.LogG(double.NaN, 3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => SequentialT.LogG(1, 0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => SequentialT.LogG(1, 3, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SequentialT.LogG(1, 3, 2, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SequentialT.Side([1, 2], 0, 1));
    }
}
