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
