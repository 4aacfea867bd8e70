using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Memory;

/// <summary>The memory of the whole device, from <c>/proc/meminfo</c>, in bytes.</summary>
public sealed record DeviceMemory
{
    private const string Path = "/proc/meminfo";

    public required Reading Total { get; init; }
    /// <summary>What can be had without swapping, by the kernel's own estimate.</summary>
    public required Reading Available { get; init; }

    public static DeviceMemory Read(ISystemFiles files)
    {
        FileText text = files.Read(Path);
        return new DeviceMemory { Total = Line(text, "MemTotal"), Available = Line(text, "MemAvailable") };
    }

    internal static Reading Line(FileText text, string name) => text.Text is null ? Reading.Absent($"{Path}: {text.Error.Describe()}")
        : KeyedLines.Find(text.Text, name) is { } bytes ? Reading.Measured(bytes, "bytes", $"{Path} {name}")
        : Reading.Absent($"{Path} has no {name}");
}
