namespace EdgeFleet.Linux.PerfEvents;

/// <summary>The kernel's families of events (perf_event.h, perf_type_id).</summary>
public enum PerfType : uint
{
    Hardware = 0,
    Software = 1,
    HardwareCache = 3,
    Raw = 4,
}

/// <summary>One thing that the kernel or the processor counts.</summary>
/// <param name="Name">As <c>perf list</c> names it.</param>
/// <param name="Type">Family, or the number of a PMU below <c>/sys/bus/event_source/devices</c>.</param>
/// <param name="Config">Number of the event in its family.</param>
public sealed record PerfEvent(string Name, PerfType Type, ulong Config)
{
    /// <summary>
    /// Only what the program itself does. A switch of context happens in the kernel, so with this it would be counted as 0.
    /// </summary>
    public bool ExcludeKernel { get; init; } = true;

    /// <summary>It takes one of the processor's few counters.</summary>
    public bool IsHardware => Type != PerfType.Software;
}
