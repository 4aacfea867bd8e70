using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Memory;

/// <summary>The memory of one process, by what the kernel says of it. Reads only; outside timed windows, for it allocates.</summary>
/// <param name="files">Where /proc and /sys are.</param>
/// <param name="processId">Null: the process that reads.</param>
public sealed class MemoryReader(ISystemFiles files, int? processId = null)
{
    private readonly string _proc = $"/proc/{processId?.ToString(CultureInfo.InvariantCulture) ?? "self"}";

    public ProcessMemory Read()
    {
        string path = $"{_proc}/status";
        FileText status = files.Read(path);
        return new ProcessMemory
        {
            Peak = Line("VmHWM"),
            Resident = Line("VmRSS"),
            Anonymous = Line("RssAnon"),
            File = Line("RssFile"),
            Shared = Line("RssShmem"),
            Swapped = Line("VmSwap"),
        };

        Reading Line(string name) => status.Text is not { } text ? Reading.Absent($"{path}: {status.Error.Describe()}")
            : KeyedLines.Find(text, name) is { } bytes ? Reading.Measured(bytes, "bytes", $"{path} {name}")
            : Reading.Absent($"{path} has no {name}");
    }

    /// <summary>The control group of the process, where cgroup v2 accounts its memory.</summary>
    public CgroupMemory ReadCgroup() => CgroupMemory.Of(files, _proc);

    /// <summary>
    /// Begins a new peak at what is resident now (proc(5): 5 in <c>clear_refs</c>), for this process or for one of the same
    /// user.
    /// </summary>
    /// <returns>Null when done, else why the kernel does not do it.</returns>
    public string? ResetPeak(ISystemSettings settings) => settings.Write($"{_proc}/clear_refs", "5") is var error and not Errno.None
        ? $"{_proc}/clear_refs cannot be written: {error.Describe()}"
        : null;
}
