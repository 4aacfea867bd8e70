namespace EdgeFleet.Statistics.EProcesses;

/// <summary>e-BH: which of many hypotheses to name culprits at a false discovery rate, valid under any dependence.</summary>
public static class EBenjaminiHochberg
{
    /// <summary>Indices (ascending) of the rejected hypotheses: the k largest, k = max{k : e_(k) >= K / (k q)}.</summary>
    public static IReadOnlyList<int> Reject(IReadOnlyList<double> eValues, double falseDiscoveryRate)
    {
        // Ties keep their index order, so that the list does not depend on the sort.
        int[] order = [.. Enumerable.Range(0, eValues.Count).OrderByDescending(i => eValues[i]).ThenBy(i => i)];
        int rejected = 0;
        for (int k = 1; k <= order.Length; k++)
        {
            if (eValues[order[k - 1]] >= order.Length / (k * falseDiscoveryRate))
            {
                rejected = k;
            }
        }
        return [.. order.Take(rejected).Order()];
    }
}
