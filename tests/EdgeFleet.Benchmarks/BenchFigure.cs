namespace EdgeFleet.Benchmarks;

/// <summary>One measured figure.</summary>
/// <param name="Target">What it should reach, as text (<c>&gt;= 0.75</c>); null for a figure that only informs.</param>
/// <param name="Reached">Whether it did; meaningless without a target.</param>
/// <param name="Source">How it was measured, in a sentence.</param>
public sealed record BenchFigure(string Name, double Value, string Unit, string? Target, bool Reached, string Source);
