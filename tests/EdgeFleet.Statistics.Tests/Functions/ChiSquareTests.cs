using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Tests.Functions;

public sealed class ChiSquareTests
{
    [Theory]
    [InlineData(0.99, 9, 21.665994333461924), InlineData(0.95, 1, 3.841458820694124), InlineData(0.5, 2, 1.3862943611198906), InlineData(0.99, 19, 36.19086912927004)]
    public void Quantiles_are_those_of_the_tables(double level, double degreesOfFreedom, double expected)
    {
        Near.Equal(expected, ChiSquare.Quantile(level, degreesOfFreedom));
        Near.Equal(level, ChiSquare.AtMost(expected, degreesOfFreedom));
    }

    [Fact]
    public void The_incomplete_gamma_function_matches_the_poisson_distribution_on_both_of_its_sides()
    {
        // Q(n, x) = P(Poisson(x) < n)
        foreach (double x in (double[])[0.1, 1, 4, 9.5, 30])
        {
            double term = Math.Exp(-x), sum = 0;
            for (int n = 1; n <= 40; n++)
            {
                sum += term;
                term *= x / n;
                Near.Equal(Math.Log(sum), IncompleteGamma.LogUpper(n, x));
                Near.Equal(1 - sum, IncompleteGamma.Lower(n, x));
            }
        }
    }

    [Fact]
    public void What_underflows_still_has_its_logarithm()
    {
        // Q(1, x) = exp(-x)
        Near.Equal(-2000, IncompleteGamma.LogUpper(1, 2000));
        Near.Equal(0, IncompleteGamma.LogUpper(3, 0));
    }

    [Fact]
    public void What_is_no_distribution_is_a_bug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ChiSquare.Quantile(1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => ChiSquare.Quantile(0.5, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ChiSquare.AtMost(-1, 3));
    }
}
