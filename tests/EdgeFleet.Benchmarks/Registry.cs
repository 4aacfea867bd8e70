namespace EdgeFleet.Benchmarks;

/// <summary>All measurements, in the order in which they run.</summary>
internal static class Registry
{
    public static IReadOnlyList<Measurement> Benchmarks { get; } = [];

    public static IReadOnlyList<Measurement> Evidence { get; } = [];
}
