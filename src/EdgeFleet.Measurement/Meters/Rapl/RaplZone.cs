using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Rapl;

/// <summary>One zone of the powercap tree, by what it calls itself.</summary>
/// <param name="Folder">For example <c>/sys/class/powercap/intel-rapl:0</c>.</param>
/// <param name="Name">package-0, psys, core, uncore, dram.</param>
/// <param name="Mmio">The same counter seen through another window of the processor.</param>
/// <param name="RangeMicroJoules">Null where it cannot be read or is 0.</param>
internal sealed record RaplZone(string Folder, string Name, bool Mmio, ulong? RangeMicroJoules)
{
    private const string Root = "/sys/class/powercap";

    public string EnergyFile => $"{Folder}/energy_uj";

    public bool IsPackage => Name.StartsWith("package", StringComparison.Ordinal);

    public bool IsPlatform => Name == "psys";

    public static IReadOnlyList<RaplZone> Find(ISystemFiles files)
    {
        List<RaplZone> zones = [];
        Add(files, zones, Root, depth: 0);
        return zones;
    }

    /// <summary>The class lists all zones side by side; a tree that somebody packed may have them only one below the other.</summary>
    private static void Add(ISystemFiles files, List<RaplZone> zones, string folder, int depth)
    {
        const int Deepest = 3; // control type, package, sub-zone
        foreach (string entry in files.List(folder).Where(entry => entry.StartsWith("intel-rapl", StringComparison.Ordinal)))
        {
            if (entry.Contains(':', StringComparison.Ordinal))
            {
                Add(files, zones, $"{folder}/{entry}");
            }
            if (depth < Deepest)
            {
                Add(files, zones, $"{folder}/{entry}", depth + 1);
            }
        }
    }

    private static void Add(ISystemFiles files, List<RaplZone> zones, string folder)
    {
        string leaf = Path.GetFileName(folder);
        if (zones.Any(zone => Path.GetFileName(zone.Folder) == leaf) || files.Read($"{folder}/name").Text is not { Length: > 0 } name)
        {
            return;
        }
        using SensorFile range = new(files, $"{folder}/max_energy_range_uj");
        zones.Add(new RaplZone(folder, name.ToLowerInvariant(), leaf.StartsWith("intel-rapl-mmio", StringComparison.Ordinal),
            range.TryRead(out long microJoules) && microJoules > 0 ? (ulong)microJoules : null));
    }
}
