using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Tests.PerfEvents;

/// <summary>A fact that needs a kernel which lets this process count its own page faults; skipped with its answer otherwise.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PerfFactAttribute : FactAttribute
{
    public PerfFactAttribute()
    {
        using PerfCounters counters = new(PerfKernel.Host, KernelFiles.Host, [PerfEventTable.PageFaults]);
        Skip = counters.IsCounting ? null : counters.Read()[0].Reason;
    }
}
