using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Kernel;

namespace EdgeFleet.Linux.Tests.PerfEvents;

public sealed class PerfCountersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ScriptedPerfKernel _kernel = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_window_is_the_difference_of_its_edges()
    {
        _kernel.Answer(PerfEventTable.Cycles, (1_000, 500, 500), (4_000, 1_500, 1_500));
        using PerfCounters counters = Open(PerfEventTable.Cycles);

        counters.Start();
        counters.Stop();
        PerfCount count = Assert.Single(counters.Read());

        Assert.Equal((3_000L, 1.0, 3_000.0, false), (count.Count!.Value, count.RunningShare!.Value, count.Scaled!.Value, count.IsMultiplexed));
        Assert.Null(count.Reason);
        Assert.Equal([(0, PerfRequest.Enable), (0, PerfRequest.Disable)], _kernel.Requests);
    }

    [Theory]
    [InlineData(1_000, 950, 1_000 / 0.95, false)]
    [InlineData(1_000, 949, 1_000 / 0.949, true)]
    [InlineData(1_000, 250, 4_000, true)]
    [InlineData(1_000, 1_001, 1_000, false)]
    public void A_counter_that_was_shared_is_scaled_and_said(long enabled, long running, double scaled, bool multiplexed)
    {
        _kernel.Answer(PerfEventTable.Instructions, (0, 0, 0), (1_000, enabled, running));
        using PerfCounters counters = Open(PerfEventTable.Instructions);

        counters.Start();
        PerfCount count = Assert.Single(counters.Read());

        Assert.Equal(scaled, count.Scaled!.Value, 6);
        Assert.Equal(multiplexed, count.IsMultiplexed);
        Assert.InRange(count.RunningShare!.Value, 0, 1);
    }

    [Theory]
    [InlineData(0, 0, "the thread did not run while it was counted")]
    [InlineData(1_000, 0, "the processor had no counter free for it in all that time")]
    public void A_counter_that_never_ran_is_absent_and_not_zero(long enabled, long running, string reason)
    {
        _kernel.Answer(PerfEventTable.CacheMisses, (0, 0, 0), (0, enabled, running));
        using PerfCounters counters = Open(PerfEventTable.CacheMisses);

        counters.Start();
        PerfCount count = Assert.Single(counters.Read());

        Assert.Null(count.Count);
        Assert.Null(count.Scaled);
        Assert.Equal($"cache-misses: {reason}", count.Reason);
    }

    [Theory]
    [InlineData(Errno.Eacces, "perf_event_paranoid is 3", "sysctl kernel.perf_event_paranoid=2")]
    [InlineData(Errno.Eperm, "seccomp", "--cap-add PERFMON")]
    [InlineData(Errno.Enoent, "no performance unit here", "virtual machines")]
    [InlineData(Errno.Eopnotsupp, "no performance unit here", "virtual machines")]
    [InlineData(Errno.Enosys, "built without perf events", "")]
    [InlineData(Errno.Emfile, "no descriptor left", "")]
    [InlineData(Errno.E2big, "E2BIG", "")]
    public void Every_refusal_is_absent_with_what_to_do(Errno error, string why, string todo)
    {
        _folder.Write("proc/sys/kernel/perf_event_paranoid", "3\n");
        _kernel.Refuse(PerfEventTable.Cycles, error);
        _kernel.Answer(PerfEventTable.PageFaults, (0, 0, 0), (7, 10, 10));
        using PerfCounters counters = Open(PerfEventTable.Cycles, PerfEventTable.PageFaults);

        counters.Start();
        counters.Stop();
        IReadOnlyList<PerfCount> counts = counters.Read();

        Assert.Null(counts[0].Count);
        Assert.StartsWith("cycles: ", counts[0].Reason, StringComparison.Ordinal);
        Assert.Contains(why, counts[0].Reason, StringComparison.Ordinal);
        Assert.Contains(todo, counts[0].Reason, StringComparison.Ordinal);
        Assert.Equal(7, counts[1].Count);
    }

    [Fact]
    public void A_processor_that_has_a_unit_but_not_this_event_is_told_from_a_machine_without_one()
    {
        _folder.Write("sys/bus/event_source/devices/armv8_cortex_a55/type", "8\n");
        _folder.Write("sys/bus/event_source/devices/armv8_cortex_a55/cpus", "0-3\n");
        _folder.Write("sys/bus/event_source/devices/armv8_cortex_a76/type", "9\n");
        _folder.Write("sys/bus/event_source/devices/software/type", "1\n");
        _kernel.Refuse(PerfEventTable.LastLevelReadMisses, Errno.Enoent);
        using PerfCounters counters = Open(PerfEventTable.LastLevelReadMisses);

        Assert.EndsWith("this processor does not count it", Assert.Single(counters.Read()).Reason, StringComparison.Ordinal);
        Assert.False(counters.IsCounting);
        Assert.Equal(
            [new CorePmu("armv8_cortex_a55", (PerfType)8, "0-3"), new CorePmu("armv8_cortex_a76", (PerfType)9, null)],
            CorePmu.ReadAll(new KernelFiles(_folder.Path)));
    }

    [Fact]
    public void A_read_that_fails_is_absent_and_the_next_window_begins_anew()
    {
        _kernel.Answer(PerfEventTable.Cycles, (10, 5, 5), (30, 15, 15));
        using PerfCounters counters = Open(PerfEventTable.Cycles);

        _kernel.ReadError = Errno.Eio;
        counters.Start();
        Assert.Equal("cycles: Input/output error (EIO)", Assert.Single(counters.Read()).Reason);

        _kernel.ReadError = Errno.None;
        counters.Start();
        Assert.Equal(20, Assert.Single(counters.Read()).Count);
    }

    [Fact]
    public void Closing_gives_every_descriptor_back()
    {
        PerfCounters counters = Open(PerfEventTable.Cycles, PerfEventTable.Instructions);
        Assert.Equal(2, _kernel.Open.Count);

        counters.Dispose();
        counters.Dispose();

        Assert.Empty(_kernel.Open);
        Assert.All(counters.Read(), count => Assert.Equal("the counters were closed", count.Reason));
    }

    private PerfCounters Open(params PerfEvent[] events) => new(_kernel, new KernelFiles(_folder.Path), events);
}
