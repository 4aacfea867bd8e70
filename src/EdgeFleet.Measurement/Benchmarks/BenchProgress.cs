namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Where a benchmark is.</summary>
/// <param name="Stage">For a person: <c>cold start</c>, <c>warming up</c>, <c>measuring</c>, …</param>
/// <param name="Share">Done of this stage, 0 to 1.</param>
/// <param name="Note">What is known so far, for example the ratio with its interval; null for nothing.</param>
public sealed record BenchProgress(string Stage, double Share, string? Note = null);
