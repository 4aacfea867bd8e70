using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>Energy between two moments, or why there is none.</summary>
public sealed record WindowEnergy
{
    /// <summary>The meter's, or <see cref="ReadingState.Absent"/>.</summary>
    public required ReadingState State { get; init; }

    public string? Reason { get; init; }

    public required string Source { get; init; }

    public required double Seconds { get; init; }

    public double? Joules { get; init; }

    public double? MeanWatts { get; init; }

    /// <summary>Good readings inside the window.</summary>
    public int Samples { get; init; }

    /// <summary>Readings that were due and not made, or absent.</summary>
    public int Dropped { get; init; }

    /// <summary>Stretches of more than three periods without a reading, and those whose energy the meter does not know.</summary>
    public int Gaps { get; init; }

    /// <summary>The longest time between two good readings.</summary>
    public TimeSpan LargestGap { get; init; }

    public EnergyUncertainty? Uncertainty { get; init; }

    /// <summary>One step of the meter as power over this window; null where it is not known.</summary>
    public double? QuantumWatts { get; init; }
}
