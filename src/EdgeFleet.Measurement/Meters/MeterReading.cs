namespace EdgeFleet.Measurement.Meters;

/// <summary>
/// One look at a meter: power (sampled meters) or energy since it was opened (accumulating meters), or the reason why there
/// is none.
/// </summary>
public readonly record struct MeterReading
{
    private MeterReading(long ticks, long halfTicks, double? watts, double? joules, bool gap, string? absent, ReadOnlyMemory<RailReading> parts) =>
        (Ticks, HalfTicks, Watts, Joules, Gap, AbsentReason, Parts) = (ticks, halfTicks, watts, joules, gap, absent, parts);

    /// <summary>The middle of the read, in the ticks of the clock (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    public long Ticks { get; }

    /// <summary>Half of what the read took: how well <see cref="Ticks"/> is known.</summary>
    public long HalfTicks { get; }

    public double? Watts { get; }

    public double? Joules { get; }

    /// <summary>The energy between the reading before and this one is not known, and not in <see cref="Joules"/>.</summary>
    public bool Gap { get; }

    /// <summary>Null for a good reading.</summary>
    public string? AbsentReason { get; }

    /// <summary>The rails one by one, where the meter has several and was asked for them; overwritten by the next read.</summary>
    public ReadOnlyMemory<RailReading> Parts { get; }

    public static MeterReading OfPower(double watts, long before, long after, ReadOnlyMemory<RailReading> parts = default) =>
        new(Middle(before, after), Half(before, after), watts, null, false, null, parts);

    public static MeterReading OfEnergy(double joules, long before, long after, bool gap, ReadOnlyMemory<RailReading> parts = default) =>
        new(Middle(before, after), Half(before, after), null, joules, gap, null, parts);

    public static MeterReading Absent(string reason, long before, long after, bool gap = false, ReadOnlyMemory<RailReading> parts = default) =>
        new(Middle(before, after), Half(before, after), null, null, gap, reason, parts);

    private static long Middle(long before, long after) => before + ((after - before) / 2);

    private static long Half(long before, long after) => (after - before + 1) / 2;
}
