namespace EdgeFleet.Statistics.Functions;

/// <summary>Exact tails of the binomial distribution by the regularised incomplete beta function (DLMF 8.17.5).</summary>
internal static class BinomialTail
{
    /// <summary>P(Bin(n, p) ≤ k), 0 &lt; p &lt; 1.</summary>
    public static double AtMost(long k, long n, double p) =>
        k < 0 ? 0 : k >= n ? 1 : SpecialFunctions.RegularizedBeta(1 - p, n - k, k + 1);

    /// <summary>P(Bin(n, p) ≥ k), 0 &lt; p &lt; 1.</summary>
    public static double AtLeast(long k, long n, double p) =>
        k <= 0 ? 1 : k > n ? 0 : SpecialFunctions.RegularizedBeta(p, k, n - k + 1);
}
