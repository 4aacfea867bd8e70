namespace EdgeFleet.Core.Evidence;

/// <summary>
/// Labelled rows by the confidence of the top-1 answer, in <see cref="ShadowTick.ScoreBins"/> bins of equal width: what a
/// calibration error is computed from once the ticks are added up.
/// </summary>
/// <param name="Count">Rows in each bin.</param>
/// <param name="Right">Of them, those that were right.</param>
/// <param name="Confidence">Sum of their confidences, in multiples of 2^-30.</param>
public sealed record CalibrationBins(IReadOnlyList<int> Count, IReadOnlyList<int> Right, IReadOnlyList<double> Confidence);
