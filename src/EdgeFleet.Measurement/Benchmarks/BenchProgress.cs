namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Where a benchmark is.</summary>
/// <param name="Stage"><c>waiting for lease</c>, <c>loading</c>, <c>warming up</c> or <c>measuring</c>.</param>
/// <param name="Share">Done of the whole, 0 to 1.</param>
public sealed record BenchProgress(string Stage, double Share);
