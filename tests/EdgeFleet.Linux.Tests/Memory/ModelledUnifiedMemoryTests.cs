using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Linux.Tests.Memory;

/// <summary>Texts written from the nvmap driver's print formats, not captured from a device.</summary>
public sealed class ModelledUnifiedMemoryTests : IDisposable
{
    private const string Clients = "/sys/kernel/debug/nvmap/iovmm/clients";
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;

    public ModelledUnifiedMemoryTests()
    {
        _files = new FaultySystemFiles(new KernelFiles(_folder.Path));
        _folder.Write("proc/meminfo", "MemTotal:        7802864 kB\nMemFree:  91000 kB\nMemAvailable:    5114980 kB\nNvMapMemFree:          0 kB\nNvMapMemUsed:     209560 kB\n");
        _folder.Write(Clients[1..], "CLIENT                        PROCESS      PID        SIZE\nuser               gnome-shell     2211      39300K\nuser               edgefleet bench     4242     100000K\nuser               edgefleet bench     4242      20000K\ntotal                                           159300K\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_driver_s_list_tells_the_process_from_the_device()
    {
        UnifiedGpuMemory memory = UnifiedGpuMemory.Read(_files, 4242);

        Assert.Equal(120000 * 1024.0, memory.OfProcess.Value);
        Assert.Equal(159300 * 1024.0, memory.OfDevice.Value);
        Assert.StartsWith("nvmap: ", memory.OfProcess.Source, StringComparison.Ordinal);
        Assert.Equal((ReadingState.Measured, 0.0), (UnifiedGpuMemory.Read(_files, 99).OfProcess.State, UnifiedGpuMemory.Read(_files, 99).OfProcess.Value));
    }

    [Fact]
    public void Without_root_the_device_s_figure_remains_and_the_process_s_is_absent_with_what_to_do()
    {
        _files.Fail(Clients, Errno.Eacces);

        UnifiedGpuMemory memory = UnifiedGpuMemory.Read(_files, 4242);

        Assert.Equal((209560 * 1024.0, "/proc/meminfo NvMapMemUsed"), (memory.OfDevice.Value, memory.OfDevice.Source));
        Assert.Null(memory.OfProcess.Value);
        Assert.Contains("Permission denied (EACCES); only root may read it", memory.OfProcess.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_without_such_a_gpu_has_no_such_memory_and_says_where_was_looked()
    {
        _files.Fail(Clients, Errno.Enoent);
        _folder.Write("proc/meminfo", "MemTotal: 7802864 kB\n");

        UnifiedGpuMemory memory = UnifiedGpuMemory.Read(_files, 4242);

        Assert.All([memory.OfProcess, memory.OfDevice], figure => Assert.Null(figure.Value));
        Assert.Contains("/proc/meminfo has no NvMapMemUsed", memory.OfDevice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_available_memory_of_the_device_is_the_kernel_s_own_estimate()
    {
        Assert.Equal(5114980 * 1024.0, DeviceMemory.Read(_files).Available.Value);

        _files.Fail("/proc/meminfo", Errno.Eio);
        Assert.Contains("EIO", DeviceMemory.Read(_files).Available.Reason, StringComparison.Ordinal);
    }
}
