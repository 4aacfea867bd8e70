using System.Collections.Immutable;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>What the devices of a class reported of one tick.</summary>
public sealed record TickSum
{
    /// <summary>Its number in the class.</summary>
    public required long Tick { get; init; }

    /// <summary>Devices that reported it, also those that had nothing to compare.</summary>
    public required int Devices { get; init; }

    /// <summary>In the order of the metrics.</summary>
    public required ImmutableArray<MetricSum> Metrics { get; init; }

    /// <summary>Those that had enough pairs to be told.</summary>
    public IReadOnlyList<SliceSum> Slices { get; init => field = value ?? []; } = [];
}

/// <summary>Observations of one metric, added up.</summary>
/// <param name="Sum">In whole numbers of 2^-32.</param>
/// <param name="Devices">Devices that said something of it.</param>
public readonly record struct MetricSum(long Sum, int Devices)
{
    internal double? Mean => Devices == 0 ? null : Math.Min(FixedPoint.Mean(Sum, Devices), 1);
}
