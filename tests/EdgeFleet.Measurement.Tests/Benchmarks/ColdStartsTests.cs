using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class ColdStartsTests
{
    [Fact]
    public void Memory_is_that_of_the_start_in_the_middle_at_the_highest_of_its_phases()
    {
        ModelMemory memory = ColdStarts.Middle([Start(10, 90), Start(300, 20), Start(70, 100)]);

        Assert.Equal((100.0, "bytes", "VmHWM of a process with this model alone, the middle of 3 starts"), (memory.Peak.Value, memory.Peak.Unit, memory.Peak.Source));
        Assert.Equal([70, 100], memory.Phases.Select(phase => phase.PeakBytes));
    }

    [Fact]
    public void Where_the_kernel_does_not_begin_the_peak_anew_it_is_absent_and_no_peak_of_something_else()
    {
        PhaseReply[] start = [Phase(70), Phase(100) with { NoReset = "clear_refs: Permission denied (EACCES)" }];
        Assert.Equal((ReadingState.Absent, null, "clear_refs: Permission denied (EACCES)"), Peak(start));
        Assert.Equal((ReadingState.Absent, null, "/proc/self/status has no VmHWM"), Peak([Phase(null)]));
    }

    private static (ReadingState, double?, string?) Peak(params PhaseReply[] start)
    {
        Reading peak = ColdStarts.Middle([start]).Peak;
        return (peak.State, peak.Value, peak.Reason);
    }

    private static PhaseReply[] Start(params long[] peaks) => [.. peaks.Select(peak => Phase(peak))];

    private static PhaseReply Phase(long? peak) => new(new MemoryPhase("load", peak, 1, 1, 1, 0, 0), Reading.Absent("no group"), Reading.Absent("none"), NoReset: null);
}
