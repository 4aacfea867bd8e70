using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Linux.Tests.Processes;

public sealed class ProcStatusTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Memory_is_read_in_bytes()
    {
        _root.Write("proc/42/status", "Name:\tworker\nPPid:\t7\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\nThreads:\t5\n");

        Assert.Equal(new ProcStatus(1024 * 1024, 2048 * 1024, 5, 7), ProcStatus.Read(new KernelFiles(_root.Path), 42));
    }

    [Fact]
    public void A_line_that_is_missing_is_absent_and_not_zero()
    {
        // A kernel thread has no memory of its own.
        _root.Write("proc/42/status", "Name:\tkthreadd\nPPid:\t0\nThreads:\t1\n");

        Assert.Equal(new ProcStatus(null, null, 1, 0), ProcStatus.Read(new KernelFiles(_root.Path), 42));
    }

    [Fact]
    public void A_process_that_has_gone_has_no_status() => Assert.Null(ProcStatus.Read(new KernelFiles(_root.Path), 42));

    [Fact]
    public void This_process_has_memory() => Assert.True(ProcStatus.ReadSelf()!.ResidentBytes > 1 << 20);
}
