namespace EdgeFleet.Core.Evidence;

/// <summary>
/// Occupied bins of a DDSketch of microseconds with a relative accuracy of 1 %: bin i holds (g^(i-1), g^i] with g = 1.01/0.99.
/// Adding the counts of equal bins merges two of them exactly.
/// </summary>
/// <param name="Index">Bin numbers, ascending.</param>
/// <param name="Count">Values in the bin at the same place, at least 1.</param>
public sealed record LatencyBins(IReadOnlyList<int> Index, IReadOnlyList<long> Count)
{
    /// <summary>A tick holds no more; beyond it the lowest bins are added to the lowest that is kept, so that high quantiles stay exact.</summary>
    public const int Maximum = 256;
}
