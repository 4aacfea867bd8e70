namespace EdgeFleet.Statistics.Estimates;

/// <summary>An upper bound of a latency percentile that holds with <see cref="EarlyStopping.Confidence"/>.</summary>
/// <param name="Percentile">As a share, 0.99 for p99.</param>
/// <param name="Value">A latency that was observed, in the unit of the samples.</param>
/// <param name="Discarded">How many higher samples were left out for it, as LoadGen prints it.</param>
/// <param name="Count">Number of samples.</param>
public sealed record EarlyStoppingEstimate(double Percentile, double Value, int Discarded, int Count);
