using System.Globalization;
using EdgeFleet.Linux;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Agent.Devices;

/// <summary>From the kernel of the machine that this runs on.</summary>
/// <param name="root">Where /proc is.</param>
/// <param name="files">Knows the room on a disk.</param>
/// <param name="folder">A folder on the disk that is asked about.</param>
public sealed class LinuxDeviceGauges(SystemRoot root, IFileStore files, string folder) : IDeviceGauges
{
    public IReadOnlyDictionary<string, double> Read()
    {
        Dictionary<string, double> values = new(StringComparer.Ordinal);
        if (ProcStatus.ReadSelf() is { ResidentBytes: { } resident })
        {
            values["agent_memory_bytes"] = resident;
        }
        if (AvailableMemory() is { } available)
        {
            values["memory_available_bytes"] = available;
        }
        if (LoadAverage() is { } load)
        {
            values["load_average_1m"] = load;
        }
        try
        {
            values["disk_free_bytes"] = files.AvailableBytes(folder);
        }
        catch (IOException)
        {
            // A disk that is going away says itself elsewhere.
        }
        return values;
    }

    private double? AvailableMemory()
    {
        foreach (ReadOnlySpan<char> line in (root.ReadText("/proc/meminfo") ?? "").AsSpan().EnumerateLines())
        {
            const string name = "MemAvailable:", unit = " kB";
            if (line.StartsWith(name, StringComparison.Ordinal) && line.EndsWith(unit, StringComparison.Ordinal) &&
                long.TryParse(line[name.Length..^unit.Length].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long kibiBytes))
            {
                return kibiBytes * 1024.0;
            }
        }
        return null;
    }

    private double? LoadAverage() =>
        root.ReadText("/proc/loadavg") is { } text && double.TryParse(text.Split(' ')[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double load) && double.IsFinite(load) ? load : null;
}
