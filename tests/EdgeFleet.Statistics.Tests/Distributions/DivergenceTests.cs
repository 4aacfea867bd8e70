using EdgeFleet.Statistics.Distributions;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.Distributions;

public sealed class DivergenceTests
{
    private static readonly double[] s_p = [.5, .3, .2], s_q = [.4, .4, .2];

    [Fact]
    public void The_three_divergences_match_the_reference_computation()
    {
        Near.Equal(.0252671539, Divergence.KullbackLeibler(s_p, s_q));
        Near.Equal(.0510825624, Divergence.PopulationStability(s_p, s_q));
        Near.Equal(.0063671983, Divergence.JensenShannon(s_p, s_q));
        Near.Equal(.0797947262, Math.Sqrt(Divergence.JensenShannon(s_p, s_q)));
        Near.Equal(.0958432338, Math.Sqrt(Divergence.JensenShannon(s_p, s_q) / Math.Log(2)));
    }

    [Fact]
    public void An_empty_bin_is_infinitely_far_and_never_a_number_that_is_wrong()
    {
        Assert.Equal(double.PositiveInfinity, Divergence.KullbackLeibler([.5, .5], [1, 0]));
        Near.Equal(Math.Log(2), Divergence.KullbackLeibler([1, 0], [.5, .5]));
        Near.Equal(Math.Log(2), Divergence.JensenShannon([1, 0], [0, 1]));
        Assert.Equal([0.875, 0.125], Divergence.Shares([3, 0]));
    }

    [Fact]
    public void A_distribution_is_nowhere_from_itself_and_order_of_the_two_matters_only_to_one()
    {
        Arbitrary<long[]> counts = Gen.Choose(0, 200).Select(n => (long)n).ArrayOf(6).ToArbitrary();
        Check.One(Checks.Config, Prop.ForAll(counts, counts, (a, b) =>
        {
            double[] p = Divergence.Shares(a), q = Divergence.Shares(b);
            return Divergence.KullbackLeibler(p, p) == 0
                && Divergence.JensenShannon(p, p) < 1e-15
                && Divergence.KullbackLeibler(p, q) >= -1e-15
                && Divergence.JensenShannon(p, q) <= Math.Log(2)
                && Math.Abs(Divergence.JensenShannon(p, q) - Divergence.JensenShannon(q, p)) < 1e-15
                && Math.Abs(Divergence.PopulationStability(p, q) - Divergence.PopulationStability(q, p)) < 1e-12;
        }));
    }

    [Fact]
    public void What_is_no_distribution_is_a_bug()
    {
        Assert.Throws<ArgumentException>(() => Divergence.KullbackLeibler(s_p, [.5, .5]));
        Assert.Throws<ArgumentException>(() => Divergence.JensenShannon([.5, .6], [.5, .5]));
        Assert.Throws<ArgumentException>(() => Divergence.PopulationStability([1.5, -.5], [.5, .5]));
        Assert.Throws<ArgumentException>(() => Divergence.Shares([]));
    }

    [Theory]
    [InlineData(100, 0.18, 0.433), InlineData(1000, 0.018, 0.0433), InlineData(10_000, 0.0018, 0.00433)]
    public void A_limit_goes_with_the_sample(int n, double mean, double limit)
    {
        Near.Equal(mean, DriftLimit.MeanWithoutDrift(10, n, n));
        Assert.Equal(limit, DriftLimit.WithoutDrift(10, n, n), limit / 500);
    }

    [Fact]
    public void Two_samples_of_one_distribution_exceed_the_limit_one_time_in_a_hundred()
    {
        const int runs = 4000, bins = 10, n = 1000;
        Random random = new(7);
        double limit = DriftLimit.WithoutDrift(bins, n, n), sum = 0;
        int exceeded = 0;
        for (int run = 0; run < runs; run++)
        {
            double psi = Divergence.PopulationStability(Divergence.Shares(Sample()), Divergence.Shares(Sample()));
            sum += psi;
            exceeded += psi > limit ? 1 : 0;
        }
        // The approximation is good to a few percent of the mean, and to three standard errors of the share.
        Assert.Equal(DriftLimit.MeanWithoutDrift(bins, n, n), sum / runs, 0.05 * DriftLimit.MeanWithoutDrift(bins, n, n));
        Assert.InRange(exceeded, 20, 60);

        long[] Sample()
        {
            long[] counts = new long[bins];
            for (int i = 0; i < n; i++)
            {
                counts[random.Next(bins)]++;
            }
            return counts;
        }
    }

    [Fact]
    public void A_limit_from_the_baseline_itself_needs_enough_of_it()
    {
        double[] divergences = [.. Enumerable.Range(1, 99).Select(i => i / 100.0).Reverse()];

        Assert.Equal(0.99, DriftLimit.FromBaseline(divergences));
        Assert.Null(DriftLimit.FromBaseline(divergences[..98]));
        Assert.Equal(0.95, DriftLimit.FromBaseline(divergences, 0.95));
        Assert.Null(DriftLimit.FromBaseline([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => DriftLimit.FromBaseline(divergences, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DriftLimit.WithoutDrift(1, 10, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => DriftLimit.WithoutDrift(10, 0, 10));
    }
}
