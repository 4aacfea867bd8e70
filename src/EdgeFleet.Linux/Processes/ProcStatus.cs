using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Processes;

/// <summary>What the kernel says of a process in <c>/proc/PID/status</c>. A line that is missing is null.</summary>
public sealed record ProcStatus(long? ResidentBytes, long? PeakResidentBytes, int? Threads, int? ParentPid)
{
    public static ProcStatus? ReadSelf() => Read(KernelFiles.Host, "self");

    /// <summary>Null when there is no such process (any more).</summary>
    public static ProcStatus? Read(ISystemFiles files, int pid) => Read(files, pid.ToString(CultureInfo.InvariantCulture));

    private static ProcStatus? Read(ISystemFiles files, string pid)
    {
        if (files.Read($"/proc/{pid}/status").Text is not { } text)
        {
            return null;
        }
        long? resident = null, peak = null, threads = null, parent = null;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            int colon = line.IndexOf(':');
            if (colon < 0)
            {
                continue;
            }
            ReadOnlySpan<char> value = line[(colon + 1)..].Trim();
            switch (line[..colon])
            {
                case "VmRSS": resident = KibiBytes(value); break;
                case "VmHWM": peak = KibiBytes(value); break;
                case "Threads": threads = Number(value); break;
                case "PPid": parent = Number(value); break;
            }
        }
        return new ProcStatus(resident, peak, (int?)threads, (int?)parent);
    }

    private static long? KibiBytes(ReadOnlySpan<char> value) =>
        value.EndsWith(" kB", StringComparison.Ordinal) ? Number(value[..^3]) * 1024 : null;

    private static long? Number(ReadOnlySpan<char> value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
