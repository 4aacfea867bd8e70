using System.Collections.Immutable;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// What a device says of one metric for its class: its first ticks that reach what is asked of it. What it said does not change
/// when more arrives.
/// </summary>
public sealed record MetricWord
{
    /// <summary>Gathered so far: pairs, or labelled rows.</summary>
    public long Count { get; init; }

    /// <summary>Of those, what the metric counts.</summary>
    public long Events { get; init; }

    /// <summary>One value for each tick, where the metric takes their median.</summary>
    public ImmutableArray<double> Values { get; init; } = [];

    /// <summary>Where the metric takes a quantile.</summary>
    public LatencyPair Latency { get; init; }

    /// <summary>Its word on [0, 1], larger for worse; null until it has gathered enough, and then nothing else is kept but the count.</summary>
    public double? Said { get; init; }
}

/// <summary>What the next promotion bet of a device of a census has gathered so far.</summary>
public readonly record struct CensusWindow(long Count, long Events, LatencyPair Latency);
