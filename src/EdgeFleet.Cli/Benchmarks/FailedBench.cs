using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Fingerprints;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>The document of a candidate that does not load, crashes, hangs or answers no numbers: it fails, and what was not measured says why.</summary>
internal static class FailedBench
{
    public static BenchEvidence Of(BenchJob job, BenchException failure)
    {
        Percentile none = Percentile.Absent(failure.Message);
        return new BenchEvidence
        {
            Verdict = "fail",
            Difference = "none",
            Reason = $"fail: {failure.Code}: {failure.Message}",
            Latency = new LatencyEvidence { Margin = job.LatencyMargin, Candidate = new LatencySummary { Inferences = 0, P50 = none, P90 = none, P95 = none, P99 = none, MeanMicros = null, MaxMicros = null } },
            Memory = MemoryEvidence.Absent(failure.Message) with { Margin = job.MemoryMargin },
            Energy = EnergyEvidence.Absent(failure.Message) with { Margin = job.EnergyMargin },
            Counters = CounterEvidence.Absent(failure.Message),
            ColdStart = new ColdStartEvidence(),
            Condition = job.Condition,
            Blocks = 0,
            Fingerprint = Fingerprint.Of(job, new KernelFiles(job.SystemRoot), sessions: 0, meter: "absent"),
        };
    }
}
