namespace EdgeFleet.Linux.PerfEvents;

/// <summary>The events that a model's cost is told by.</summary>
public static class PerfEventTable
{
    private const ulong ReadMisses = 1 << 16;

    public static PerfEvent Cycles { get; } = new("cycles", PerfType.Hardware, 0);
    public static PerfEvent Instructions { get; } = new("instructions", PerfType.Hardware, 1);
    public static PerfEvent CacheReferences { get; } = new("cache-references", PerfType.Hardware, 2);
    public static PerfEvent CacheMisses { get; } = new("cache-misses", PerfType.Hardware, 3);
    // perf_event_open(2): cache | operation << 8 | result << 16; operation 0 reads, result 1 misses.
    public static PerfEvent L1DataReadMisses { get; } = new("L1-dcache-load-misses", PerfType.HardwareCache, 0 | ReadMisses);
    public static PerfEvent LastLevelReadMisses { get; } = new("LLC-load-misses", PerfType.HardwareCache, 2 | ReadMisses);
    public static PerfEvent DataTlbReadMisses { get; } = new("dTLB-load-misses", PerfType.HardwareCache, 3 | ReadMisses);

    public static PerfEvent TaskClock { get; } = new("task-clock", PerfType.Software, 1);
    public static PerfEvent PageFaults { get; } = new("page-faults", PerfType.Software, 2);
    public static PerfEvent ContextSwitches { get; } = new("context-switches", PerfType.Software, 3) { ExcludeKernel = false };

    /// <summary>What every processor's driver maps to its own events, in the order of their worth.</summary>
    public static IReadOnlyList<PerfEvent> Generic { get; } =
        [Cycles, Instructions, CacheReferences, CacheMisses, L1DataReadMisses, LastLevelReadMisses, DataTlbReadMisses];

    /// <summary>
    /// Armv8-A's common events by their architectural numbers (Arm ARM, D13.12 "PMU events"), for what the generic ones do
    /// not reach. A core that lacks one answers ENOENT or counts 0.
    /// </summary>
    /// <param name="pmu">The PMU's number where the clusters have one each; <see cref="PerfType.Raw"/> where all cores are alike.</param>
    public static IReadOnlyList<PerfEvent> Armv8(PerfType pmu = PerfType.Raw) =>
    [
        new("l1d_cache_refill", pmu, 0x03),
        new("l1d_cache", pmu, 0x04),
        new("l2d_cache", pmu, 0x16),
        new("l2d_cache_refill", pmu, 0x17),
        new("mem_access", pmu, 0x13),
        new("bus_access", pmu, 0x19),
        new("stall_backend", pmu, 0x24),
        new("ll_cache_rd", pmu, 0x36),
        new("ll_cache_miss_rd", pmu, 0x37),
    ];
}
