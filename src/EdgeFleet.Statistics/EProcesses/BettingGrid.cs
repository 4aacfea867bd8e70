using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// The bets of the default engine: five fixed fractions of the largest bet that cannot go bankrupt. Fixed in advance,
/// so the mixture over them is valid by construction and there is nothing to tune while data arrive.
/// </summary>
public static class BettingGrid
{
    /// <summary>Number of bets in the mixture.</summary>
    public const int Size = 5;

    // 0.95 * 0.5^g written out: products of exact powers of two, so no rounding depends on how they are computed.
    private static readonly double[] s_fractions = [0.95, 0.475, 0.2375, 0.11875, 0.059375];

    /// <summary>Wealth fraction of each bet, largest first.</summary>
    public static ReadOnlySpan<double> Fractions => s_fractions;

    internal static readonly double LogSize = PortableMath.Log(Size);

    /// <summary>log of the mean of exp(values), in the order given, so that it is the same to the last bit each time.</summary>
    internal static double LogMeanExp(ReadOnlySpan<double> logWealth)
    {
        double largest = logWealth[0];
        foreach (double value in logWealth)
        {
            largest = value > largest ? value : largest;
        }
        if (double.IsNegativeInfinity(largest))
        {
            return double.NegativeInfinity;
        }
        double sum = 0;
        foreach (double value in logWealth)
        {
            sum += PortableMath.Exp(value - largest);
        }
        return largest + PortableMath.Log(sum) - (logWealth.Length == Size ? LogSize : PortableMath.Log(logWealth.Length));
    }
}
