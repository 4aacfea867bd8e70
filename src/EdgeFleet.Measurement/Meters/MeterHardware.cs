using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.I2c;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters;

/// <summary>What is not read as text: buses and the Raspberry Pi's firmware. Each call opens one of its own.</summary>
public sealed record MeterHardware(Func<int, II2cBus> OpenI2c, Func<IFirmwareMailbox> OpenMailbox)
{
    /// <summary>The devices below the same root as the files.</summary>
    public static MeterHardware Of(ISystemFiles files) => new(
        bus => new I2cBus(Path.Join(files.Root, "dev", $"i2c-{bus}")),
        () => new FirmwareMailbox(Path.Join(files.Root, "dev")));
}
