using System.Runtime.InteropServices;
using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Tests.PerfEvents;

/// <summary>The real system call, by events that also virtual machines count.</summary>
public sealed partial class RealPerfTests
{
    private const int Page = 4096;

    [PerfFact]
    public void The_kernel_counts_the_pages_that_a_thread_touches()
    {
        using PerfCounters counters = new(PerfKernel.Host, KernelFiles.Host, [PerfEventTable.PageFaults, PerfEventTable.TaskClock]);
        counters.Start();
        counters.Stop();
        long none = counters.Read()[0].Count!.Value;

        counters.Start();
        Touch(512);
        counters.Stop();
        IReadOnlyList<PerfCount> counts = counters.Read();

        Assert.InRange(none, 0, 99);
        Assert.True(counts[0].Count is >= 512 and < 1024, $"{counts[0].Count} {counts[0].Reason}");
        // Software events are never shared.
        Assert.Equal(1, counts[0].RunningShare);
        Assert.True(counts[1].Count > 0, counts[1].Reason);
    }

    [PerfFact]
    public void A_thread_that_is_started_afterwards_is_counted_with_the_one_that_opened()
    {
        using PerfCounters counters = new(PerfKernel.Host, KernelFiles.Host, [PerfEventTable.PageFaults]);
        Thread worker = new(() => Touch(512));

        counters.Start();
        worker.Start();
        worker.Join();
        counters.Stop();

        Assert.True(Assert.Single(counters.Read()).Count >= 512);
    }

    [PerfFact]
    public void The_edges_of_a_window_allocate_nothing()
    {
        using PerfCounters counters = new(PerfKernel.Host, KernelFiles.Host, [PerfEventTable.PageFaults, PerfEventTable.Cycles]);
        counters.Start();
        counters.Stop();
        long before = GC.GetAllocatedBytesForCurrentThread();

        counters.Start();
        counters.Stop();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Whatever_this_machine_is_each_event_has_a_count_or_a_reason()
    {
        using PerfCounters counters = new(PerfKernel.Host, KernelFiles.Host, PerfEventTable.Generic.Take(PerfPlan.HardwareAtOnce));
        counters.Start();
        Touch(1);
        counters.Stop();

        Assert.All(counters.Read(), count => Assert.True(count.Count > 0 != count.Reason is { Length: > 20 }, $"{count.Count} {count.Reason}"));
    }

    /// <summary>Pages of the usual size that nobody has touched before.</summary>
    private static unsafe void Touch(int pages)
    {
        const int PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22, MADV_NOHUGEPAGE = 15;
        nuint length = (nuint)(pages * Page);
        byte* memory = mmap(null, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
        _ = madvise(memory, length, MADV_NOHUGEPAGE);
        for (int i = 0; i < pages; i++)
        {
            memory[i * Page] = 1;
        }
        _ = munmap(memory, length);
    }

    [LibraryImport("libc")]
    private static unsafe partial byte* mmap(byte* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc")]
    private static unsafe partial int madvise(byte* address, nuint length, int advice);

    [LibraryImport("libc")]
    private static unsafe partial int munmap(byte* address, nuint length);
}
