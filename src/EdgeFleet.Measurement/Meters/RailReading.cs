namespace EdgeFleet.Measurement.Meters;

/// <summary>One rail of a meter.</summary>
/// <param name="Watts">Null where the rail could not be read.</param>
/// <param name="Reason">Why it could not.</param>
/// <param name="Added">Whether it is a part of the meter's total; the others are only shown.</param>
/// <param name="Suspect">It has read exactly 0 for so long that its sensor is more likely dead than the rail off.</param>
public readonly record struct RailReading(string Name, double? Watts, string? Reason, bool Added, bool Suspect);
