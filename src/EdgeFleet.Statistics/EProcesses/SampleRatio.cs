using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Whether reports arrive in the ratio in which they should (sample-ratio mismatch), looked at as often as one likes: the
/// multinomial with the expected shares against one whose shares have a Dirichlet prior (Lindon and Malek 2020). Losses that
/// differ between arms make every other figure wrong, so this is asked before any of them is believed.
/// </summary>
public static class SampleRatio
{
    /// <summary>Natural logarithm of E for the null "each report belongs to arm i with chance shares[i]".</summary>
    /// <param name="counts">Reports of each arm so far, not negative.</param>
    /// <param name="shares">Expected shares, positive; they are scaled to a sum of 1.</param>
    /// <param name="concentration">Dirichlet parameter of each arm, positive: 1 expects nothing, more expects a small mismatch.</param>
    /// <exception cref="ArgumentException">Not one share for each of at least two arms.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double LogE(IReadOnlyList<long> counts, IReadOnlyList<double> shares, double concentration = 1) =>
        LogAlternative(counts, concentration) - LogNull(counts, shares);

    /// <summary>ln of the chance of one arrangement of these counts under the mixture; the number of arrangements is left out.</summary>
    internal static double LogAlternative(IReadOnlyList<long> counts, double concentration)
    {
        if (!(concentration > 0 && double.IsFinite(concentration)))
        {
            throw new ArgumentOutOfRangeException(nameof(concentration), concentration, "a Dirichlet parameter is positive and finite");
        }
        double log = 0;
        long all = 0;
        foreach (long count in counts)
        {
            if (count < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(counts), count, "a count is not negative");
            }
            log += SpecialFunctions.LogGamma(concentration + count) - SpecialFunctions.LogGamma(concentration);
            all += count;
        }
        double prior = concentration * counts.Count;
        return log + SpecialFunctions.LogGamma(prior) - SpecialFunctions.LogGamma(prior + all);
    }

    /// <summary>The same under the expected shares.</summary>
    internal static double LogNull(IReadOnlyList<long> counts, IReadOnlyList<double> shares)
    {
        if (counts.Count < 2 || shares.Count != counts.Count)
        {
            throw new ArgumentException($"{counts.Count} arms with {shares.Count} shares", nameof(shares));
        }
        double sum = 0;
        foreach (double share in shares)
        {
            if (!(share > 0 && double.IsFinite(share)))
            {
                throw new ArgumentOutOfRangeException(nameof(shares), share, "a share is positive and finite");
            }
            sum += share;
        }
        double log = 0;
        for (int arm = 0; arm < counts.Count; arm++)
        {
            log += counts[arm] * PortableMath.Log(shares[arm] / sum);
        }
        return log;
    }

    /// <summary>ln of the number of arrangements of the counts.</summary>
    internal static double LogArrangements(IReadOnlyList<long> counts)
    {
        double log = SpecialFunctions.LogGamma(counts.Sum() + 1);
        foreach (long count in counts)
        {
            log -= SpecialFunctions.LogGamma(count + 1);
        }
        return log;
    }
}
