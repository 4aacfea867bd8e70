namespace EdgeFleet.Benchmarks;

/// <summary>Something that <c>make bench</c> or <c>make evidence</c> measures.</summary>
internal sealed record Measurement(string Name, string What, Func<CancellationToken, Task<IReadOnlyList<BenchFigure>>> Run);
