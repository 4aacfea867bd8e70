using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Cli.Doctor.Sections;

internal static class MemorySection
{
    public const string Area = "memory";

    public static IEnumerable<Finding> Look(Device device)
    {
        DeviceMemory memory = DeviceMemory.Read(device.Files);
        yield return Of("device", memory.Total, null);
        yield return Of("available", memory.Available, "without it nothing says whether two models fit at once; a benchmark loads them all the same, and says so");
        yield return Of("a process's peak", new MemoryReader(device.Files).Read().Peak, null);
        DeviceAnswer reset = device.Questions.Ask("reset of the peak", () =>
            new MemoryReader(device.Files).ResetPeak(KernelFiles.Host) is { } why ? DeviceAnswer.Failed(Errno.Eacces, why) : DeviceAnswer.Of(""));
        yield return device.Kind == DeviceKind.Folder ? new Finding(Area, "a peak of each phase", FindingState.Limited, Device.NotAsked) : reset.Error == Errno.None
            ? new Finding(Area, "a peak of each phase", FindingState.Found, "the kernel resets the mark")
            : new Finding(Area, "a peak of each phase", FindingState.Absent, reset.Text, "phases then have no peaks of their own; a kernel with CONFIG_PROC_PAGE_MONITOR resets the mark");
        CgroupMemory group = new MemoryReader(device.Files).ReadCgroup();
        yield return Of("control group", group.Current, "memory caps and out-of-memory kills are then told by the process alone");
        if (BoardSection.IsJetson(device.Files))
        {
            UnifiedGpuMemory gpu = UnifiedGpuMemory.Read(device.Files, Environment.ProcessId);
            yield return Of("GPU", gpu.OfDevice, "run as root: nvmap's list of clients is for root only");
        }
    }

    private static Finding Of(string name, Reading reading, string? adviceWhereAbsent) => reading is { State: not ReadingState.Absent, Value: { } bytes }
        ? new Finding(Area, name, FindingState.Found, $"{(bytes / (1 << 20)).ToString("#,0 MiB", CultureInfo.InvariantCulture)} ({reading.Source})")
        : new Finding(Area, name, FindingState.Absent, reading.Reason ?? "not told", adviceWhereAbsent);
}
