using System.Diagnostics;
using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux;
using EdgeFleet.Linux.Files;
using EdgeFleet.Measurement.Fingerprints;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Baseline against candidate on this machine: blocks of four cells, ABBA or BAAB by a seeded coin, so that what drifts
/// slower than a block cancels. The unit of the statistics is the pair of sessions, loaded anew for each block where that is
/// affordable: with one pair for all blocks a model was "faster" or "slower" than itself in 8 of 12 runs, by up to 1.4 %,
/// with a pair for each in 1 of 36. One model alone is timed in the same blocks.
/// Runs in the caller's process: whoever measures a stranger's model calls it in a process that may die.
/// </summary>
public static class PairedBenchmark
{
    /// <exception cref="BenchException">A model does not load, does not run, or the two have different contracts.</exception>
    public static async Task<BenchEvidence> RunAsync(BenchJob job, IProgress<BenchProgress>? progress, CancellationToken cancellationToken, TimeProvider? time = null)
    {
        long begun = Stopwatch.GetTimestamp();
        FileLease? lease = job.LeaseFile is null
            ? null
            : await FileLease.AcquireAsync(job.LeaseFile, time ?? TimeProvider.System, () => progress?.Report(new BenchProgress("waiting for lease", 0)), cancellationToken);
        using (lease)
        {
            try
            {
                return Run(job, progress, begun, cancellationToken);
            }
            catch (ModelLoadException ex)
            {
                throw new BenchException(BenchException.ModelNotLoaded, ex.Message, ex);
            }
            catch (InferenceException ex)
            {
                throw new BenchException(BenchException.ModelFailed, ex.Message, ex);
            }
        }
    }

    private static BenchEvidence Run(BenchJob job, IProgress<BenchProgress>? progress, long begun, CancellationToken cancellationToken)
    {
        InferenceOptions options = new() { IntraOpThreads = job.IntraOpThreads };
        progress?.Report(new BenchProgress("loading", 0));
        (ModelProbe? baselineProbe, ModelProbe candidateProbe) = ProbeBoth(job, options);
        cancellationToken.ThrowIfCancellationRequested();

        BlockRunner blocks = new(job, options);
        progress?.Report(new BenchProgress("warming up", 0));
        bool steady = blocks.WarmUp(cancellationToken);
        blocks.Measure(candidateProbe.LoadTime + (baselineProbe?.LoadTime ?? TimeSpan.Zero), progress, cancellationToken);

        Reading absent = Reading.Absent("no baseline was given");
        Reading baselineMemory = baselineProbe?.PeakMemoryReading ?? absent;
        Reading candidateMemory = candidateProbe.PeakMemoryReading;
        BenchDecision decision = job.BaselinePath is null
            ? new BenchDecision(BenchDecision.Inconclusive, "none", null, null, null, "no baseline was given to compare with")
            : BenchDecision.Of(blocks.LogRatios, baselineMemory, candidateMemory, job.LatencyMargin, job.MemoryMargin);
        Dictionary<string, string> fingerprint = new(Fingerprint.Of(job, options)) 
        {
            ["warm"] = steady ? "steady" : "still moving after three times the warm-up",
            ["sessions"] = blocks.Sessions.ToString(CultureInfo.InvariantCulture),
        };
        return new BenchEvidence
        {
            Verdict = decision.Verdict,
            Difference = decision.Difference,
            LatencyRatio = decision.Ratio,
            LatencyRatioLow = decision.Low,
            LatencyRatioHigh = decision.High,
            Baseline = job.BaselinePath is null ? null : blocks.Baseline.Summarise(),
            Candidate = blocks.Candidate.Summarise(),
            BaselinePeakMemory = baselineMemory,
            CandidatePeakMemory = candidateMemory,
            BaselineLoad = baselineProbe?.Load ?? absent,
            CandidateLoad = candidateProbe.Load,
            Energy = EnergyReading.Of(new SystemRoot(job.SystemRoot)),
            Condition = job.Condition,
            Blocks = blocks.Kept,
            DiscardedBlocks = blocks.Discarded,
            BlockLogRatios = blocks.LogRatios,
            Fingerprint = fingerprint,
            LatencyMargin = job.LatencyMargin,
            MemoryMargin = job.MemoryMargin,
            Reason = decision.Reason,
            Seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds,
        };
    }

    /// <summary>
    /// Baseline, candidate, candidate, baseline, after one load that nobody counts: the first session of a process also pays
    /// for the runtime itself.
    /// </summary>
    private static (ModelProbe? Baseline, ModelProbe Candidate) ProbeBoth(BenchJob job, InferenceOptions options)
    {
        new ModelProbe(options).Measure(job.BaselinePath ?? job.CandidatePath);
        ModelProbe? baseline = job.BaselinePath is null ? null : new ModelProbe(options);
        ModelProbe candidate = new(options);
        baseline?.Measure(job.BaselinePath!);
        candidate.Measure(job.CandidatePath);
        candidate.Measure(job.CandidatePath);
        baseline?.Measure(job.BaselinePath!);
        return (baseline, candidate);
    }
}
