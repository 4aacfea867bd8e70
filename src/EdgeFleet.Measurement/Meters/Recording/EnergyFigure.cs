using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>Joules with their standard uncertainty, or why there are none.</summary>
/// <param name="IsComplete">Whether every part of the uncertainty is known; where not, it is a lower bound.</param>
public sealed record EnergyFigure(ReadingState State, double? Joules, double? StandardUncertainty, bool IsComplete, string? Reason)
{
    public static EnergyFigure Absent(string reason) => new(ReadingState.Absent, null, null, false, reason);
}
