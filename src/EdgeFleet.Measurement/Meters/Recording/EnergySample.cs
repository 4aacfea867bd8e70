namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>What the recorder keeps of one reading.</summary>
/// <param name="Ticks">The middle of the read.</param>
/// <param name="HalfTicks">Half of what it took.</param>
/// <param name="Value">Watts of a sampled meter, joules since it was opened of an accumulating one; NaN where it was absent.</param>
/// <param name="Gap">The energy between the sample before and this one is not known.</param>
/// <param name="Missed">Readings that were due between the sample before and this one, and were not made.</param>
public readonly record struct EnergySample(long Ticks, long HalfTicks, double Value, bool Gap = false, int Missed = 0)
{
    public bool IsAbsent => double.IsNaN(Value);
}
