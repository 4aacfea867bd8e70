using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Memory;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>A host's account of its own memory, phase by phase.</summary>
internal sealed class HostMemory : IDisposable
{
    private readonly PhaseMeter _meter = new(KernelFiles.Host, KernelFiles.Host);
    private readonly PageFaultCounter _faults = new(KernelFiles.Host);
    private PhaseMeter.OpenPhase _phase;

    public HostMemory() => _phase = _meter.Begin(MemoryPhases.Process);

    /// <summary>What the phase that ends took; another begins.</summary>
    public PhaseReply End(string name)
    {
        PhaseMemory phase = _phase.End();
        UnifiedGpuMemory accelerator = UnifiedGpuMemory.Read(KernelFiles.Host, Environment.ProcessId);
        PhaseReply reply = new(
            new MemoryPhase(
                name, Bytes(phase.Peak), Bytes(phase.AtEnd.Anonymous), Bytes(phase.AtEnd.File), Bytes(phase.AtEnd.Shared), Bytes(phase.AtEnd.Swapped), Bytes(phase.MajorFaults) ?? 0),
            phase.Cgroup.Peak,
            accelerator.OfProcess.State == ReadingState.Absent ? accelerator.OfDevice : accelerator.OfProcess,
            phase.Peak.Reason);
        _phase = _meter.Begin(name);
        return reply;
    }

    /// <summary>Pages that came from a disk since the process began. Allocates nothing.</summary>
    public long MajorFaults() => _faults.TryRead(out PageFaults faults) == Errno.None ? faults.Major : 0;

    public void Dispose()
    {
        _meter.Dispose();
        _faults.Dispose();
    }

    private static long? Bytes(Reading reading) => (long?)reading.Value;
}
