namespace EdgeFleet.Linux.PerfEvents;

/// <summary>
/// Spreads events over blocks, so that in none of them the kernel has to share the processor's counters between events: a
/// count that ran half of the time is an estimate.
/// </summary>
public static class PerfPlan
{
    /// <summary>Small cores have six counters, one of them for cycles only; a watchdog may hold another.</summary>
    public const int HardwareAtOnce = 4;

    /// <returns>One set of events per block, in order; software events ride along in the first.</returns>
    public static IReadOnlyList<IReadOnlyList<PerfEvent>> Blocks(IEnumerable<PerfEvent> events, int hardwareAtOnce = HardwareAtOnce)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hardwareAtOnce, 1);
        List<PerfEvent> all = [.. events];
        List<PerfEvent> software = [.. all.Where(item => !item.IsHardware)];
        List<List<PerfEvent>> blocks = [.. all.Where(item => item.IsHardware).Chunk(hardwareAtOnce).Select(chunk => chunk.ToList())];
        if (software.Count > 0)
        {
            if (blocks.Count == 0)
            {
                blocks.Add([]);
            }
            blocks[0].AddRange(software);
        }
        return blocks;
    }
}
