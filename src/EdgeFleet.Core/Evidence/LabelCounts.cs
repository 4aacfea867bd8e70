namespace EdgeFleet.Core.Evidence;

/// <summary>
/// Rows whose true class was posted in this tick, of requests that had been compared in this tick or before. They count in the
/// tick in which the label came.
/// </summary>
public sealed record LabelCounts
{
    public required int BothRight { get; init; }
    public required int BothWrong { get; init; }
    /// <summary>The baseline was right and the candidate is wrong: a negative flip.</summary>
    public required int Lost { get; init; }
    /// <summary>The baseline was wrong and the candidate is right.</summary>
    public required int Gained { get; init; }
    /// <summary>
    /// Sum over <see cref="BrierCount"/> rows of the candidate's Brier score less the baseline's, each halved so that it lies in
    /// [0, 1]. Every difference is rounded to a multiple of 2^-30: such sums are exact in whatever order they are added.
    /// </summary>
    public double BrierDifferenceSum { get; init; }
    /// <summary>Rows on which both models answered with floating-point scores.</summary>
    public int BrierCount { get; init; }
    /// <summary>How confident the models were and how often they were right, of the same rows; null without any.</summary>
    public CalibrationBins? BaselineCalibration { get; init; }
    public CalibrationBins? CandidateCalibration { get; init; }
    /// <summary>Labels that were not counted, by one of <see cref="LabelDropReasons"/>.</summary>
    public IReadOnlyDictionary<string, int> Dropped { get; init => field = value ?? new Dictionary<string, int>(); } = new Dictionary<string, int>(); // JSON that does not say it sets null
}
