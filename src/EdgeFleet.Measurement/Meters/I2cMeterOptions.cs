namespace EdgeFleet.Measurement.Meters;

/// <summary>A chip that somebody soldered in: nothing but its owner knows its shunt.</summary>
public sealed record I2cMeterOptions
{
    public required I2cChip Chip { get; init; }

    /// <summary>N of <c>/dev/i2c-N</c>.</summary>
    public required int Bus { get; init; }

    /// <summary>7 bits.</summary>
    public byte Address { get; init; } = 0x40;

    public required double ShuntOhms { get; init; }

    /// <summary>The largest current that is expected; the steps of the reading follow from it.</summary>
    public required double MaxAmps { get; init; }

    public string Name { get; init; } = "input";

    public MeterScope Scope { get; init; } = MeterScope.Board;
}
