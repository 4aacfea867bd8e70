using EdgeFleet.Linux.PerfEvents;

namespace EdgeFleet.Linux.Tests.PerfEvents;

public sealed class PerfPlanTests
{
    [Fact]
    public void No_block_asks_for_more_than_four_hardware_counters_and_every_event_is_counted_once()
    {
        PerfEvent[] all = [PerfEventTable.TaskClock, .. PerfEventTable.Generic, PerfEventTable.PageFaults, .. PerfEventTable.Armv8()];

        IReadOnlyList<IReadOnlyList<PerfEvent>> blocks = PerfPlan.Blocks(all);

        Assert.Equal(4, blocks.Count);
        Assert.All(blocks, block => Assert.InRange(block.Count(item => item.IsHardware), 1, 4));
        Assert.Equal(all.OrderBy(item => item.Name, StringComparer.Ordinal), blocks.SelectMany(block => block).OrderBy(item => item.Name, StringComparer.Ordinal));
        Assert.Equal([PerfEventTable.Cycles, PerfEventTable.Instructions, PerfEventTable.CacheReferences, PerfEventTable.CacheMisses, PerfEventTable.TaskClock, PerfEventTable.PageFaults], blocks[0]);
    }

    [Fact]
    public void Software_events_alone_are_one_block_and_nothing_is_none()
    {
        Assert.Equal([PerfEventTable.TaskClock], Assert.Single(PerfPlan.Blocks([PerfEventTable.TaskClock])));
        Assert.Empty(PerfPlan.Blocks([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PerfPlan.Blocks([], 0));
    }
}
