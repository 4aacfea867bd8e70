using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters;

/// <summary>What a figure of this meter rests on; a part of the fingerprint.</summary>
public sealed record MeterIdentity
{
    /// <summary>For example <c>ina3221 hwmon VDD_IN</c>.</summary>
    public required string Source { get; init; }

    /// <summary>For example <c>ina3221 at 1-0040</c>.</summary>
    public required string Chip { get; init; }

    /// <summary>What is added up to the reading.</summary>
    public required IReadOnlyList<string> Rails { get; init; }

    public required MeterKind Kind { get; init; }

    public required MeterScope Scope { get; init; }

    /// <summary><see cref="ReadingState.Measured"/> or <see cref="ReadingState.Modelled"/>.</summary>
    public ReadingState State { get; init; } = ReadingState.Measured;

    /// <summary>How often reading it makes sense.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Sampled meters: one step of the reading. Null where it is not known.</summary>
    public double? QuantumWatts { get; init; }

    /// <summary>Accumulating meters: one step of the counter. Null where it is not known.</summary>
    public double? QuantumJoules { get; init; }

    public MeterAccuracy Accuracy { get; init; } = MeterAccuracy.Unknown;

    /// <summary>Windows that are shorter say nothing.</summary>
    public TimeSpan ShortestWindow { get; init; }

    /// <summary>How the board's rule was found, or what else a reader of the figure should know.</summary>
    public string? Note { get; init; }
}
