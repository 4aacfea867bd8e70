namespace EdgeFleet.Measurement.Reports.Charts;

internal static class Quantiles
{
    public static double[] Sorted(IEnumerable<double> values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted;
    }

    /// <summary>The smallest value that at least this share does not exceed.</summary>
    public static double At(double[] sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
}
