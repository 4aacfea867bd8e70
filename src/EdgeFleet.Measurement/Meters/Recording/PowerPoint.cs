namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>One point of a power trace: watts at, or on average until, that moment.</summary>
public readonly record struct PowerPoint(long Ticks, double Watts);
