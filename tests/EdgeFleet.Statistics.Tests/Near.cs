namespace EdgeFleet.Statistics.Tests;

internal static class Near
{
    // Reference values are printed with ten decimals, so half of the last one comes on top of the relative tolerance.
    private const double Printed = 5.1e-11;

    public static void Equal(double expected, double actual, double relative = 1e-9) =>
        Assert.True(Math.Abs(actual - expected) <= (relative * Math.Abs(expected)) + Printed, $"expected {expected:R}, got {actual:R}");
}
