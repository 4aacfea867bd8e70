using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Memory of the two as the evidence states it.</summary>
internal static class MemoryFigures
{
    public static MemoryEvidence Of(BenchJob job, ColdStarts coldStarts)
    {
        ModelMemory? baseline = coldStarts.MemoryOf(MeasuredModel.Baseline), candidate = coldStarts.MemoryOf(MeasuredModel.Candidate);
        if (candidate is null)
        {
            return MemoryEvidence.Absent("no cold start was asked for");
        }
        return new MemoryEvidence
        {
            State = candidate.Peak.State,
            Reason = candidate.Peak.Reason,
            Ratio = candidate.Peak.Value / baseline?.Peak.Value,
            Margin = job.MemoryMargin,
            Baseline = baseline,
            Candidate = candidate,
        };
    }
}
