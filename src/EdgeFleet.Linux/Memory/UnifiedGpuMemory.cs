using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Memory;

/// <summary>
/// A Jetson's GPU shares the memory of the processor, and what it takes is in no process's resident set. The source says
/// whose figure it is: nvmap's list of clients (root) knows the process, <c>NvMapMemUsed</c> only the device.
/// </summary>
public sealed record UnifiedGpuMemory
{
    private const string Clients = "/sys/kernel/debug/nvmap/iovmm/clients";

    /// <summary>Bytes of the process that was asked for.</summary>
    public required Reading OfProcess { get; init; }
    /// <summary>Bytes of all processes.</summary>
    public required Reading OfDevice { get; init; }

    public static UnifiedGpuMemory Read(ISystemFiles files, int processId)
    {
        FileText clients = files.Read(Clients);
        if (clients.Text is { } text && Total(text) is { } total)
        {
            // A process that the driver does not list has nothing there: that is measured, not missing.
            return new UnifiedGpuMemory
            {
                OfProcess = Reading.Measured(OfClient(text, processId), "bytes", $"nvmap: {Clients}, process {processId}"),
                OfDevice = Reading.Measured(total, "bytes", $"nvmap: {Clients}, total"),
            };
        }
        string why = clients.Text is null
            ? $"{Clients}: {clients.Error.Describe()}{(clients.Error == Errno.Eacces ? "; only root may read it" : "")}"
            : $"{Clients} has no line of the total";
        Reading device = DeviceMemory.Line(files.Read("/proc/meminfo"), "NvMapMemUsed");
        return new UnifiedGpuMemory
        {
            OfProcess = Reading.Absent(why),
            OfDevice = device.State == ReadingState.Measured ? device : Reading.Absent($"no unified GPU memory was found: {why}; {device.Reason}"),
        };
    }

    /// <summary>"client process pid sizeK": the process's name may hold spaces, so a line is read from its end.</summary>
    private static long OfClient(string text, int processId)
    {
        string wanted = processId.ToString(CultureInfo.InvariantCulture);
        return text.Split('\n')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length >= 4 && fields[^2] == wanted)
            .Sum(fields => KibiBytes(fields[^1]) ?? 0);
    }

    private static long? Total(string text) => text.Split('\n')
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => fields is ["total", _])
        .Select(fields => KibiBytes(fields[1]))
        .FirstOrDefault();

    private static long? KibiBytes(string size) =>
        size.EndsWith('K') && long.TryParse(size.AsSpan(0, size.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long kibiBytes) ? kibiBytes * 1024 : null;
}
