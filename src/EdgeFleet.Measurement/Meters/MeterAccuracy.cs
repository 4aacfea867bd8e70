namespace EdgeFleet.Measurement.Meters;

/// <summary>How far the meter may be off all the time, as its maker says. Unknown is null, never zero.</summary>
/// <param name="GainShare">Share of the reading, for example 0.0025.</param>
/// <param name="OffsetWatts">At the bus voltage that was found when the meter was opened.</param>
/// <param name="Source">Where the two come from.</param>
public sealed record MeterAccuracy(double? GainShare, double? OffsetWatts, string Source)
{
    public static MeterAccuracy Unknown { get; } = new(null, null, "the maker states none");
}
