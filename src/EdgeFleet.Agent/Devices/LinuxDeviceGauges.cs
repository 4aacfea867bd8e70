using System.Globalization;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Agent.Devices;

/// <summary>From the kernel of the machine that this runs on.</summary>
/// <param name="kernel">Where /proc is.</param>
/// <param name="files">Knows the room on a disk.</param>
/// <param name="folder">A folder on the disk that is asked about.</param>
public sealed class LinuxDeviceGauges(ISystemFiles kernel, IFileStore files, string folder) : IDeviceGauges
{
    public IReadOnlyDictionary<string, double> Read()
    {
        Dictionary<string, double> values = new(StringComparer.Ordinal);
        if (ProcStatus.ReadSelf() is { ResidentBytes: { } resident })
        {
            values["agent_memory_bytes"] = resident;
        }
        if (DeviceMemory.Read(kernel).Available.Value is { } available)
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

    private double? LoadAverage() =>
        kernel.Read("/proc/loadavg").Text is { } text && double.TryParse(text.Split(' ')[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double load) && double.IsFinite(load) ? load : null;
}
