namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>What the devices of a class reported of one slice in one tick.</summary>
/// <param name="Key">Parameter and value, as <c>camera=front</c>.</param>
/// <param name="Observed">Share of pairs that disagree.</param>
public readonly record struct SliceSum(string Key, MetricSum Observed);

/// <summary>One slice over all ticks.</summary>
public sealed record SliceTotal
{
    /// <summary>Parameter and value, as <c>camera=front</c>.</summary>
    public required string Key { get; init; }

    public long Pairs { get; init; }

    public long Disagreements { get; init; }

    /// <summary>Ticks that nothing is taken into any more.</summary>
    public required TickSeries Closed { get; init; }
}
