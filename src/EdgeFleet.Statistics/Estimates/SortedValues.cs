namespace EdgeFleet.Statistics.Estimates;

/// <summary>A sorted copy of finite values, so that no result depends on the order in which they came.</summary>
internal static class SortedValues
{
    /// <exception cref="ArgumentException">A value is not finite; the message says which.</exception>
    public static double[] Of(IReadOnlyList<double> values, string name)
    {
        double[] sorted = [.. values];
        int bad = Array.FindIndex(sorted, value => !double.IsFinite(value));
        if (bad >= 0)
        {
            throw new ArgumentException(FormattableString.Invariant($"value {bad} is not finite: {sorted[bad]}"), name);
        }
        Array.Sort(sorted);
        return sorted;
    }
}
