using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>A thermal zone; units m°C.</summary>
/// <param name="Name">Its type, for example <c>cpu-thermal</c>.</param>
/// <param name="MilliCelsius">Null where it does not answer.</param>
/// <param name="Reason">Why it does not.</param>
/// <param name="TripMilliCelsius">The lowest passive trip: from there on the kernel slows the device. Null where there is none.</param>
public sealed record ThermalZone(string Name, long? MilliCelsius, string? Reason, long? TripMilliCelsius)
{
    private const string Folder = "/sys/class/thermal";
    /// <summary>What a zone of a powered-down part of a Tegra says instead of an error.</summary>
    private const long PoweredOff = -256000;

    /// <summary>How far below its passive trip it is; null where one of the two is not known.</summary>
    public long? DistanceMilliCelsius => TripMilliCelsius - MilliCelsius;

    public static IReadOnlyList<ThermalZone> ReadAll(ISystemFiles files)
    {
        List<ThermalZone> zones = [];
        foreach (string entry in files.List(Folder).Where(name => name.StartsWith("thermal_zone", StringComparison.Ordinal)))
        {
            string folder = $"{Folder}/{entry}";
            string name = files.Text($"{folder}/type") ?? entry;
            long? value = files.Number($"{folder}/temp", out string? why);
            if (value == 100000 && name.Contains("PMIC", StringComparison.OrdinalIgnoreCase))
            {
                // A Tegra's PMIC zone stands at 100 °C for ever; it is no thermometer.
                continue;
            }
            if (value <= PoweredOff)
            {
                (value, why) = (null, $"{folder}/temp: the part is powered off");
            }
            zones.Add(new ThermalZone(name, value, why, PassiveTrip(files, folder)));
        }
        return zones;
    }

    private static long? PassiveTrip(ISystemFiles files, string folder)
    {
        const string prefix = "trip_point_", suffix = "_type";
        return files.List(folder)
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal))
            .Where(name => files.Text($"{folder}/{name}") == "passive")
            .Select(name => files.Number($"{folder}/{name[..^suffix.Length]}_temp"))
            // Zero and below: not set by the board's maker.
            .Where(trip => trip > 0)
            .Min();
    }
}
