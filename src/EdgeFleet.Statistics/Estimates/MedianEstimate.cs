namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// A median with a distribution-free interval. The bounds are absent when there are too few values for the asked
/// confidence: absent, not zero and not the range.
/// </summary>
/// <param name="Median">Middle value (mean of the two middle ones for an even count).</param>
/// <param name="Lower">Lower end of the interval, a value that was observed.</param>
/// <param name="Upper">Upper end of the interval.</param>
/// <param name="Count">Number of values.</param>
/// <param name="Coverage">Coverage that the interval really has, at least the asked one; null without an interval.</param>
public sealed record MedianEstimate(double Median, double? Lower, double? Upper, int Count, double? Coverage);
