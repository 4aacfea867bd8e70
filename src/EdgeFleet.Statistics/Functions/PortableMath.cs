namespace EdgeFleet.Statistics.Functions;

/// <summary>
/// log and exp in nothing but IEEE additions, multiplications and divisions (the algorithms of fdlibm, Sun Microsystems
/// 1993), so that an e-value has the same bits on every processor. The C library's ones differ in the last bit between
/// machines with and without fused multiply-add, and a verdict must come out the same wherever it is computed again.
/// </summary>
public static class PortableMath
{
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;
    private const double InverseLn2 = 1.44269504088896338700e+00;
    private const double TwoTo54 = 1.80143985094819840000e+16;
    private const double ExpOverflow = 7.09782712893383973096e+02;
    private const double ExpUnderflow = -7.45133219101941108420e+02;
    private const double ExpTiny = 3.7252902984619140625e-09;

    /// <summary>Natural logarithm.</summary>
    public static double Log(double x)
    {
        if (double.IsNaN(x) || x < 0)
        {
            return double.NaN;
        }
        if (x == 0)
        {
            return double.NegativeInfinity;
        }
        if (double.IsPositiveInfinity(x))
        {
            return x;
        }
        int k = 0;
        if (x < 2.2250738585072014e-308)
        {
            k = -54;
            x *= TwoTo54;
        }

        // x = 2^k (1 + f) with sqrt(1/2) < 1 + f < sqrt(2), taken from the bits.
        long bits = BitConverter.DoubleToInt64Bits(x);
        int high = (int)(bits >> 32);
        k += (high >> 20) - 1023;
        high &= 0x000fffff;
        int above = (high + 0x95f64) & 0x100000;
        k += above >> 20;
        double f = BitConverter.Int64BitsToDouble(((long)(high | (above ^ 0x3ff00000)) << 32) | (bits & 0xffffffffL)) - 1;

        double s = f / (2 + f);
        double z = s * s;
        double w = z * z;
        double even = w * (3.999999999940941908e-01 + (w * (2.222219843214978396e-01 + (w * 1.531383769920937332e-01))));
        double odd = z * (6.666666666666735130e-01 + (w * (2.857142874366239149e-01 + (w * (1.818357216161805012e-01 + (w * 1.479819860511658591e-01))))));
        double r = odd + even;
        double half = 0.5 * f * f;
        return (k * Ln2High) - (half - ((s * (half + r)) + (k * Ln2Low)) - f);
    }

    /// <summary>e to the power of x.</summary>
    public static double Exp(double x)
    {
        if (double.IsNaN(x))
        {
            return x;
        }
        if (x > ExpOverflow)
        {
            return double.PositiveInfinity;
        }
        if (x < ExpUnderflow)
        {
            return 0;
        }
        if (Math.Abs(x) < ExpTiny)
        {
            return 1 + x;
        }

        // x = k ln 2 + r with |r| <= ln 2 / 2, r held in two parts.
        int k = Math.Abs(x) <= 0.5 * (Ln2High + Ln2Low) ? 0 : (int)((InverseLn2 * x) + (x < 0 ? -0.5 : 0.5));
        double high = x - (k * Ln2High);
        double low = k * Ln2Low;
        double r = high - low;
        double t = r * r;
        double c = r - (t * (1.66666666666666019037e-01 + (t * (-2.77777777770155933842e-03 + (t * (6.61375632143793436117e-05
            + (t * (-1.65339022054652515390e-06 + (t * 4.13813679705723846039e-08)))))))));
        double y = 1 - (low - (r * c / (2 - c)) - high);
        return Math.ScaleB(y, k);
    }
}
