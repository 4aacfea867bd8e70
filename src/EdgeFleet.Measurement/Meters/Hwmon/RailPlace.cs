using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>Where one rail is read: paths, all of which may change when the kernel numbers its devices anew.</summary>
internal sealed record RailPlace
{
    private const int InaChannels = 3;

    /// <summary>As labelled, or by its place where it has no label.</summary>
    public required string Name { get; init; }

    public required SensorChip Chip { get; init; }

    /// <summary>mV.</summary>
    public string? Volts { get; init; }

    /// <summary>mA; may be negative.</summary>
    public string? Amps { get; init; }

    public string? Power { get; init; }

    public double WattsPerStep { get; init; }

    /// <summary>Micro-ohms.</summary>
    public string? Shunt { get; init; }

    /// <summary>0 for a channel that is turned off.</summary>
    public string? Enable { get; init; }

    /// <summary>Files and what they say while this is still the same rail.</summary>
    public required IReadOnlyList<(string Path, string Text)> Guards { get; init; }

    /// <summary>
    /// The channels of an INA3221. Its seventh "input" is a sum of the others and never a rail; a channel that says NC is
    /// connected to nothing.
    /// </summary>
    public static IReadOnlyList<RailPlace> OfIna3221(ISystemFiles files, SensorChip chip)
    {
        List<RailPlace> rails = [];
        for (int channel = 1; channel <= InaChannels; channel++)
        {
            int number = chip.Iio ? channel - 1 : channel;
            string label = chip.Iio ? $"{chip.Folder}/rail_name_{number}" : $"{chip.Folder}/in{number}_label";
            string volts = chip.Iio ? $"{chip.Folder}/in_voltage{number}_input" : $"{chip.Folder}/in{number}_input";
            string amps = chip.Iio ? $"{chip.Folder}/in_current{number}_input" : $"{chip.Folder}/curr{number}_input";
            string power = $"{chip.Folder}/in_power{number}_input";
            bool both = files.Exists(volts) && files.Exists(amps);
            bool powerOnly = chip.Iio && !both && files.Exists(power);
            string? name = files.Read(label).Text?.Trim();
            if (string.Equals(name, "NC", StringComparison.OrdinalIgnoreCase) || (!both && !powerOnly && string.IsNullOrEmpty(name)))
            {
                continue;
            }
            rails.Add(new RailPlace
            {
                Name = string.IsNullOrEmpty(name) ? $"channel {channel} of {chip.Address ?? Path.GetFileName(chip.Folder)}" : name,
                Chip = chip,
                Volts = powerOnly ? null : volts,
                Amps = powerOnly ? null : amps,
                Power = powerOnly ? power : null,
                WattsPerStep = 1e-3,
                Shunt = chip.Iio ? null : $"{chip.Folder}/shunt{number}_resistor",
                Enable = chip.Iio ? null : $"{chip.Folder}/in{number}_enable",
                Guards = GuardsOf(files, chip, label),
            });
        }
        return rails;
    }

    /// <summary>The one rail of an INA219, 226, 228, 238, 260 and their kin.</summary>
    public static RailPlace OfIna2xx(ISystemFiles files, SensorChip chip)
    {
        string label = $"{chip.Folder}/label";
        bool power = files.Exists($"{chip.Folder}/power1_input");
        return new RailPlace
        {
            Name = files.Read(label).Text is { Length: > 0 } text ? text : files.Read($"{chip.Folder}/in1_label").Text is { Length: > 0 } input ? input : "input",
            Chip = chip,
            Volts = power ? null : $"{chip.Folder}/in1_input",
            // Its sign is the power's: the power register of most of these chips has none.
            Amps = files.Exists($"{chip.Folder}/curr1_input") || !power ? $"{chip.Folder}/curr1_input" : null,
            Power = power ? $"{chip.Folder}/power1_input" : null,
            WattsPerStep = 1e-6,
            Shunt = $"{chip.Folder}/shunt_resistor",
            Guards = GuardsOf(files, chip, label),
        };
    }

    private static List<(string, string)> GuardsOf(ISystemFiles files, SensorChip chip, string label)
    {
        List<(string, string)> guards = [];
        foreach (string path in (string[])[$"{chip.Folder}/name", label])
        {
            if (files.Read(path).Text is { Length: > 0 and < 64 } text)
            {
                guards.Add((path, text));
            }
        }
        return guards;
    }
}
