using EdgeFleet.Statistics.EProcesses;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class ExceedancePairsTests
{
    [Fact]
    public void Nothing_counts_before_earlier_ticks_know_the_baselines_quantile()
    {
        ExceedancePairs pairs = new(0.95, 0.10);
        for (int i = 0; i < 199; i++)
        {
            pairs.Observe(1, 100);
        }
        pairs.EndTick();
        Assert.Null(pairs.Threshold);

        pairs.Observe(1, 100);
        Assert.Null(pairs.Threshold);
        pairs.EndTick();
        Assert.Equal(0, pairs.Worse);
        Assert.Equal(1, pairs.Threshold!.Value, 0.01);
        Near.Equal(0, pairs.LogE);
    }

    [Theory]
    [InlineData(0.95, 200), InlineData(0.99, 1000), InlineData(0.5, 20)]
    public void A_quantile_needs_ten_values_beyond_it(double quantile, int needed)
    {
        Assert.Null(Warm(quantile, needed - 1).Threshold);
        Assert.NotNull(Warm(quantile, needed).Threshold);
    }

    [Fact]
    public void Only_pairs_that_differ_count_and_each_arm_has_its_own_threshold()
    {
        ExceedancePairs pairs = Warm(0.95, 200);
        double tau = pairs.Threshold!.Value;
        pairs.Observe(tau * 0.5, tau * 1.09); // above the threshold, within the margin
        pairs.Observe(tau * 0.5, tau * 1.11);
        pairs.Observe(tau * 1.01, tau * 1.11); // both exceed
        pairs.Observe(tau * 1.01, tau * 1.09);

        Assert.Equal((1, 1), (pairs.Worse, pairs.Better));
        Near.Equal(CountEValues.LogSign(1, 1), pairs.LogE);
    }

    [Fact]
    public void The_order_inside_a_tick_is_irrelevant()
    {
        Arbitrary<double[]> latencies = Gen.Choose(1, 400).Select(i => i / 100.0).ArrayOf().ToArbitrary();
        Check.One(Checks.Config, Prop.ForAll(latencies, latencies, (first, second) =>
        {
            ExceedancePairs straight = Warm(0.5, 20), turned = Warm(0.5, 20);
            foreach (double[] tick in new[] { first, second })
            {
                Take(straight, tick);
                Take(turned, [.. tick.Reverse()]);
            }
            return (straight.Worse, straight.Better, straight.Threshold).Equals((turned.Worse, turned.Better, turned.Threshold));
        }));
    }

    [Fact]
    public void A_candidate_slower_by_exactly_the_margin_is_rarely_called_worse_and_one_twice_as_slow_soon()
    {
        Assert.InRange(Enumerable.Range(0, 400).Count(run => Runs(run, 1.1, 40) is not null), 0, 33); // 5 % of 400 and three standard errors
        Assert.All(Enumerable.Range(0, 20), run => Assert.NotNull(Runs(run, 2, 40)));
    }

    [Fact]
    public void What_is_no_latency_or_no_quantile_is_a_bug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExceedancePairs(1, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExceedancePairs(0.9, -0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExceedancePairs(0.9, 0.1).Observe(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExceedancePairs(0.9, 0.1).Observe(double.NaN, 1));
    }

    // The first tick whose end finds harm.
    private static int? Runs(int seed, double ratio, int ticks)
    {
        Random random = new(seed);
        ExceedancePairs pairs = new(0.95, 0.10);
        for (int tick = 0; tick < ticks; tick++)
        {
            for (int i = 0; i < 100; i++)
            {
                pairs.Observe(Latency(), ratio * Latency());
            }
            pairs.EndTick();
            if (pairs.LogE >= Math.Log(20))
            {
                return tick;
            }
        }
        return null;

        double Latency() => 1 - Math.Log(1 - random.NextDouble());
    }

    private static void Take(ExceedancePairs pairs, double[] tick)
    {
        foreach (double latency in tick)
        {
            pairs.Observe(latency, 4.01 - latency);
        }
        pairs.EndTick();
    }

    private static ExceedancePairs Warm(double quantile, int values)
    {
        ExceedancePairs pairs = new(quantile, 0.10);
        for (int i = 0; i < values; i++)
        {
            pairs.Observe(1 + (i / (double)values), 1);
        }
        pairs.EndTick();
        return pairs;
    }
}
