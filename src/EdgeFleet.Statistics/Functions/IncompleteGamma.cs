namespace EdgeFleet.Statistics.Functions;

/// <summary>The incomplete gamma function's ratios, by series and continued fraction (DLMF 8.7.1, 8.9.2).</summary>
internal static class IncompleteGamma
{
    private const double Tiny = 1e-300;
    private const double Precision = 1e-16;
    private const int MaxTerms = 100_000;

    /// <summary>ln Q(a, x), Q the upper ratio Γ(a, x) / Γ(a); also where Q itself would underflow.</summary>
    /// <param name="a">Greater than 0.</param>
    /// <param name="x">Not negative.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such function.</exception>
    /// <exception cref="ArithmeticException">It did not converge.</exception>
    public static double LogUpper(double a, double x)
    {
        Check(a, x);
        return x == 0 ? 0
            : x < a + 1 ? PortableMath.Log(-SpecialFunctions.Expm1(LogLowerBySeries(a, x)))
            : LogUpperByFraction(a, x);
    }

    /// <summary>P(a, x), the lower ratio.</summary>
    public static double Lower(double a, double x)
    {
        Check(a, x);
        return x == 0 ? 0
            : x < a + 1 ? PortableMath.Exp(LogLowerBySeries(a, x))
            : -SpecialFunctions.Expm1(LogUpperByFraction(a, x));
    }

    private static void Check(double a, double x)
    {
        if (!(a > 0 && double.IsFinite(a)))
        {
            throw new ArgumentOutOfRangeException(nameof(a), a, "the shape is positive and finite");
        }
        if (!(x >= 0 && double.IsFinite(x)))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "the argument is finite and not negative");
        }
    }

    private static double LogLowerBySeries(double a, double x)
    {
        double term = 1 / a, sum = term;
        for (int n = 1; n < MaxTerms; n++)
        {
            term *= x / (a + n);
            sum += term;
            if (term < Precision * sum)
            {
                return LogFront(a, x) + PortableMath.Log(sum);
            }
        }
        throw NoConvergence(a, x);
    }

    // Modified Lentz evaluation.
    private static double LogUpperByFraction(double a, double x)
    {
        double b = x + 1 - a, c = 1 / Tiny, d = 1 / b, fraction = d;
        for (int n = 1; n < MaxTerms; n++)
        {
            double numerator = n * (a - n);
            b += 2;
            d = 1 / NotZero((numerator * d) + b);
            c = NotZero(b + (numerator / c));
            double step = d * c;
            fraction *= step;
            if (Math.Abs(step - 1) < 2 * Precision)
            {
                return LogFront(a, x) + PortableMath.Log(fraction);
            }
        }
        throw NoConvergence(a, x);
    }

    private static double LogFront(double a, double x) => (a * PortableMath.Log(x)) - x - SpecialFunctions.LogGamma(a);

    private static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;

    private static ArithmeticException NoConvergence(double a, double x) =>
        new($"the incomplete gamma function did not converge at a = {a}, x = {x}");
}
