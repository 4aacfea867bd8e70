namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// Observations as whole numbers of 2^-32: their sum is the same to the last bit in whatever order reports arrive, which a sum
/// of floating-point numbers is not.
/// </summary>
internal static class FixedPoint
{
    private const double One = 4294967296.0;

    // Log ratios and shares are far below it; what a stranger sends must not overflow a sum.
    private const double Largest = 1024;

    /// <summary>The nearest whole number of 2^-32; beyond +-1024 the largest.</summary>
    public static long Of(double value) => (long)Math.Round(Math.Clamp(value, -Largest, Largest) * One, MidpointRounding.ToEven);

    public static double Mean(long sum, long count) => sum / One / count;
}
