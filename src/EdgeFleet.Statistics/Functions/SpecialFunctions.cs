namespace EdgeFleet.Statistics.Functions;

/// <summary>
/// The few special functions that the closed forms need, accurate to about 1e-12 relative, and with the same bits on every
/// machine: stored verdicts rest on them.
/// </summary>
internal static class SpecialFunctions
{
    private const double Tiny = 1e-300;
    private const double Precision = 1e-16;
    private const int MaxTerms = 100_000;

    // Stirling's series needs an argument of at least this; smaller ones are shifted up by the recurrence.
    private const double StirlingFrom = 15;

    /// <summary>ln Gamma(x), x > 0.</summary>
    public static double LogGamma(double x)
    {
        if (!(x > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "ln Gamma is used for positive arguments");
        }
        double shift = 0;
        while (x < StirlingFrom)
        {
            shift += PortableMath.Log(x);
            x += 1;
        }
        double r = 1 / (x * x);
        double series = (1.0 / 12) - (r * ((1.0 / 360) - (r * ((1.0 / 1260) - (r * ((1.0 / 1680) - (r * ((1.0 / 1188) - (r * 691.0 / 360360)))))))));
        return ((x - 0.5) * PortableMath.Log(x)) - x + (0.5 * PortableMath.Log(2 * Math.PI)) + (series / x) - shift;
    }

    /// <summary>ln B(a, b).</summary>
    public static double LogBeta(double a, double b) => LogGamma(a) + LogGamma(b) - LogGamma(a + b);

    /// <summary>ln(1 - I_x(a, b)), I the regularised incomplete beta function.</summary>
    public static double LogUpperRegularizedBeta(double x, double a, double b)
    {
        // The continued fraction converges fast on one side of the mean; on the other take the complement.
        if (x > (a + 1) / (a + b + 2))
        {
            return LogRegularizedBetaBySeries(1 - x, b, a);
        }
        double lower = LogRegularizedBetaBySeries(x, a, b);
        return PortableMath.Log(-Expm1(lower));
    }

    /// <summary>I_x(a, b).</summary>
    public static double RegularizedBeta(double x, double a, double b)
    {
        if (x <= 0)
        {
            return 0;
        }
        if (x >= 1)
        {
            return 1;
        }
        return x > (a + 1) / (a + b + 2)
            ? 1 - PortableMath.Exp(LogRegularizedBetaBySeries(1 - x, b, a))
            : PortableMath.Exp(LogRegularizedBetaBySeries(x, a, b));
    }

    /// <summary>P(|Z| ≥ z) of a standard normal Z, z ≥ 0: erfc(z / √2).</summary>
    public static double TwoSidedNormalTail(double z)
    {
        if (!(z >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(z), z, "a distance is not negative");
        }
        double density = PortableMath.Exp(-0.5 * z * z) * Math.Sqrt(2 / Math.PI);
        if (z < 3)
        {
            // Abramowitz and Stegun 26.2.11: the middle is density × (z + z^3/3 + z^5/(3×5) + …), all terms positive.
            double term = z, sum = z;
            for (int k = 3; term > Precision * sum; k += 2)
            {
                term *= z * z / k;
                sum += term;
            }
            return 1 - (density * sum);
        }
        // Abramowitz and Stegun 26.2.14: density / (z + 1/(z + 2/(z + 3/(z + …)))), from the far end.
        double fraction = z;
        for (int k = 200; k > 0; k--)
        {
            fraction = z + (k / fraction);
        }
        return density / fraction;
    }

    // e^x - 1 without cancellation near 0; .NET has no double expm1.
    internal static double Expm1(double x)
    {
        if (Math.Abs(x) > 0.5)
        {
            return PortableMath.Exp(x) - 1;
        }
        double term = x, sum = x;
        for (int k = 2; k < 40 && Math.Abs(term) > Precision * Math.Abs(sum); k++)
        {
            term *= x / k;
            sum += term;
        }
        return sum;
    }

    // Modified Lentz evaluation of the continued fraction of I_x(a, b).
    private static double LogRegularizedBetaBySeries(double x, double a, double b)
    {
        double front = (a * PortableMath.Log(x)) + (b * PortableMath.Log(1 - x)) - LogBeta(a, b) - PortableMath.Log(a);
        double c = 1, d = 1 / NotZero(1 - ((a + b) * x / (a + 1))), fraction = d;
        for (int m = 1; m < MaxTerms; m++)
        {
            double even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            d = 1 / NotZero(1 + (even * d));
            c = NotZero(1 + (even / c));
            fraction *= d * c;
            double odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / NotZero(1 + (odd * d));
            c = NotZero(1 + (odd / c));
            double step = d * c;
            fraction *= step;
            if (Math.Abs(step - 1) < 2 * Precision)
            {
                return front + PortableMath.Log(fraction);
            }
        }
        throw new ArithmeticException($"the incomplete beta function did not converge at x = {x}, a = {a}, b = {b}");
    }

    private static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;
}
