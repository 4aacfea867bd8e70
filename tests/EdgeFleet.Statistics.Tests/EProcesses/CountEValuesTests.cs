using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class CountEValuesTests
{
    [Fact]
    public void The_sign_test_matches_its_closed_forms()
    {
        Near.Equal(1.5, Math.Exp(CountEValues.LogSign(1, 0)));
        Near.Equal(10.5, Math.Exp(CountEValues.LogSign(5, 0)));
        Near.Equal(1.8493239085, CountEValues.LogSign(15, 5));
        Near.Equal(0, CountEValues.LogSign(0, 0));
    }

    [Fact]
    public void The_binomial_test_matches_its_closed_form()
    {
        Near.Equal(1.2381740419, CountEValues.LogBinomial(5, 100, 0.01));
        Near.Equal(0, CountEValues.LogBinomial(0, 0, 0.3));
    }

    [Fact]
    public void The_poisson_test_matches_its_closed_form()
    {
        Near.Equal(-1.0986122887, CountEValues.LogPoisson(0, 100, 0.01));
        Near.Equal(3.1570879753, CountEValues.LogPoisson(5, 100, 0.01));
        Near.Equal(0, CountEValues.LogPoisson(0, 0, 0.01));
    }

    [Theory]
    [InlineData(1.0), InlineData(0.6)]
    public void The_poisson_e_value_is_one_on_average_at_the_null_exactly_and_less_below_it(double share)
    {
        const double exposure = 300, nullRate = 0.02;
        double mean = share * nullRate * exposure, expected = 0, logChance = -mean;
        for (int events = 0; events < 500; events++)
        {
            expected += Math.Exp(logChance + CountEValues.LogPoisson(events, exposure, nullRate));
            logChance += Math.Log(mean / (events + 1));
        }
        if (share == 1)
        {
            Near.Equal(1, expected);
        }
        else
        {
            Assert.InRange(expected, 0, 1);
        }
    }

    [Fact]
    public void A_larger_tolerated_rate_is_never_more_certain()
    {
        foreach (int events in (int[])[0, 1, 5, 40])
        {
            for (double rate = 0.02; rate < 0.9; rate += 0.02)
            {
                Assert.True(CountEValues.LogBinomial(events, 60, rate) <= CountEValues.LogBinomial(events, 60, rate - 0.01) + 1e-12);
                Assert.True(CountEValues.LogPoisson(events, 60, rate) <= CountEValues.LogPoisson(events, 60, rate - 0.01) + 1e-12);
            }
        }
    }

    [Fact]
    public void Events_without_exposure_or_a_rate_of_nothing_are_a_bug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CountEValues.LogPoisson(1, 0, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => CountEValues.LogPoisson(-1, 1, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => CountEValues.LogPoisson(1, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => CountEValues.LogPoisson(1, double.PositiveInfinity, 0.1));
    }

    [Fact]
    public void Two_arms_with_equal_exposure_and_ratio_one_are_a_sign_test()
    {
        Near.Equal(CountEValues.LogSign(15, 5), CountEValues.LogTwoArmCounts(15, 3600, 5, 3600, 1));
    }

    [Fact]
    public void Evidence_of_sparse_counts_grows_with_the_data()
    {
        // A rank test of these counts against zeros passes for ever; the sign test has to react.
        double few = CountEValues.LogSign(4, 0), more = CountEValues.LogSign(8, 0), many = CountEValues.LogSign(16, 0);

        Assert.True(few < more && more < many);
        Assert.True(many > Math.Log(20));
    }

    [Fact]
    public void The_sign_e_value_stays_one_on_average_under_the_null()
    {
        const int runs = 20_000, pairs = 40;
        Random random = new(3);
        double sum = 0, squares = 0;
        for (int run = 0; run < runs; run++)
        {
            int worse = Enumerable.Range(0, pairs).Count(_ => random.NextDouble() < 0.5);
            double e = Math.Exp(CountEValues.LogSign(worse, pairs - worse));
            sum += e;
            squares += e * e;
        }
        double mean = sum / runs;
        Assert.True(mean <= 1 + (5 * Math.Sqrt(((squares / runs) - (mean * mean)) / runs)));
    }

    [Fact]
    public void The_incomplete_beta_function_matches_the_exact_binomial_tail()
    {
        // P(Bin(20, 1/2) >= 15): the one-sided exact McNemar test of 15 against 5.
        Near.Equal(.020694732666, SpecialFunctions.RegularizedBeta(0.5, 15, 6));
        Near.Equal(1 - .020694732666, SpecialFunctions.RegularizedBeta(0.5, 6, 15));
        Near.Equal(Math.Log(.020694732666), SpecialFunctions.LogUpperRegularizedBeta(0.5, 6, 15));
    }

    [Fact]
    public void Ln_gamma_matches_factorials_and_the_half()
    {
        Near.Equal(0, SpecialFunctions.LogGamma(1));
        Near.Equal(Math.Log(24), SpecialFunctions.LogGamma(5), 1e-13);
        Near.Equal(0.5 * Math.Log(Math.PI), SpecialFunctions.LogGamma(0.5), 1e-13);
        Near.Equal(359.1342053695754, SpecialFunctions.LogGamma(100), 1e-13);
    }

    [Fact]
    public void Culprits_are_named_at_a_false_discovery_rate()
    {
        Assert.Equal([0, 2, 3], EBenjaminiHochberg.Reject([120, 3, 45, 60, .2], 0.05));
        Assert.Empty(EBenjaminiHochberg.Reject([1, 1, 1], 0.05));
        Assert.Empty(EBenjaminiHochberg.Reject([], 0.05));
    }
}
