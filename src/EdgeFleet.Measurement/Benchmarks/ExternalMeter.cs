using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Meters;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>How a soldered-in chip is named on a command line: <c>ina226@1:0x40</c>, chip, bus and address.</summary>
public static class ExternalMeter
{
    /// <summary>What to look for besides what the device has.</summary>
    /// <exception cref="FormatException">The choice names no chip, bus and address, or shunt and current are missing.</exception>
    public static EnergyMeterOptions OptionsOf(MeterChoice choice) => new() { I2c = choice.External is { } external ? [Parse(external, choice)] : [] };

    /// <exception cref="FormatException">The text names no chip, bus and address, or shunt and current are missing.</exception>
    public static I2cMeterOptions Parse(string text, MeterChoice choice)
    {
        string[] parts = text.Split('@', ':');
        if (parts.Length != 3
            || !Enum.TryParse(parts[0], ignoreCase: true, out I2cChip chip)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int bus)
            || !parts[2].StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            || !byte.TryParse(parts[2].AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte address))
        {
            throw new FormatException($"meter '{text}': expected CHIP@BUS:ADDRESS such as ina226@1:0x40, with one of {string.Join(", ", Enum.GetNames<I2cChip>()).ToLowerInvariant()}");
        }
        if (choice is not { ShuntOhms: > 0 and var ohms, MaximumAmperes: > 0 and var amperes })
        {
            throw new FormatException($"meter '{text}': nothing on the bus tells its shunt; give its resistance in ohms and the largest current in amperes");
        }
        return new I2cMeterOptions { Chip = chip, Bus = bus, Address = address, ShuntOhms = ohms, MaxAmps = amperes };
    }
}
