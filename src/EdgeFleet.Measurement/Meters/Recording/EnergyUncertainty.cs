namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>
/// Standard uncertainty of a window's energy in joules, part by part, so that a ratio of two windows can leave out what both
/// share (gain) and a difference what cancels in it (offset). Gain and offset stand at the maker's bounds. Null is not known.
/// </summary>
/// <param name="Quantum">One step of the reading.</param>
/// <param name="Sampling">The load varied and was seen only now and then.</param>
/// <param name="Edges">The window began and ended between two readings.</param>
public sealed record EnergyUncertainty(double? Gain, double? Offset, double? Quantum, double Sampling, double Edges)
{
    /// <summary>Root of the sum of squares of the parts that are known.</summary>
    public double Total => Math.Sqrt(Square(Gain) + Square(Offset) + Square(Quantum) + Square(Sampling) + Square(Edges));

    /// <summary>Whether every part is known; where not, <see cref="Total"/> is a lower bound.</summary>
    public bool IsComplete => Gain is not null && Offset is not null && Quantum is not null;

    internal static double Square(double? part) => part is { } joules ? joules * joules : 0;
}
