using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>
/// The host's processor counters, in groups that fit the processor. Opened on the thread that loads the model and before it
/// does, so that the runtime's own threads are counted too.
/// </summary>
internal sealed class HostCounters : IDisposable
{
    private readonly PerfCounters[] _groups = [.. PerfPlan.Blocks(PerfEventTable.Generic).Select(events => new PerfCounters(PerfKernel.Host, KernelFiles.Host, events))];

    public int Groups => _groups.Length;

    /// <summary>Allocates nothing, and neither does <see cref="Stop"/>.</summary>
    public void Start(int group) => _groups[group].Start();

    public void Stop(int group) => _groups[group].Stop();

    public IReadOnlyDictionary<string, CounterReading> Read(int group, long inferences) => _groups[group].Read().ToDictionary(
        count => count.Event.Name,
        count => count.Scaled is { } scaled
            ? new CounterReading(ReadingState.Measured, scaled / inferences, count.RunningShare, null)
            : new CounterReading(ReadingState.Absent, null, null, count.Reason ?? "it was never counted"));

    public void Dispose()
    {
        foreach (PerfCounters group in _groups)
        {
            group.Dispose();
        }
    }
}
