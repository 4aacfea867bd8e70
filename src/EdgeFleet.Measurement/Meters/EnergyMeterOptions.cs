namespace EdgeFleet.Measurement.Meters;

/// <summary>What cannot be found out by looking.</summary>
public sealed record EnergyMeterOptions
{
    /// <summary>Chips on a bus that no kernel driver has.</summary>
    public IReadOnlyList<I2cMeterOptions> I2c { get; init; } = [];

    /// <summary>Adds a modelled meter of a Raspberry Pi 5 board; null leaves it at the rails that are measured.</summary>
    public PiBoardFit? PiBoard { get; init; }

    /// <summary>A part of the source's name; meters that have it come first.</summary>
    public string? Prefer { get; init; }
}
