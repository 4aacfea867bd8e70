namespace EdgeFleet.Core.Evidence;

/// <summary>
/// Pairs of one tick against a threshold: the baseline's quantile in the device's earlier ticks, known before the pairs that it
/// judges. The sign test takes the pairs that differ.
/// </summary>
public sealed record TailExceedances
{
    /// <summary>0.95 or 0.99.</summary>
    public required double Quantile { get; init; }
    public required double ThresholdMicros { get; init; }
    /// <summary>The candidate's share of grace: it exceeds when it is above (1 + margin) × threshold.</summary>
    public required double Margin { get; init; }
    /// <summary>Pairs in which only the candidate exceeded.</summary>
    public required int Worse { get; init; }
    /// <summary>Pairs in which only the baseline exceeded.</summary>
    public required int Better { get; init; }
    /// <summary>Pairs that were held against the threshold.</summary>
    public required int Pairs { get; init; }
}
