using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Restoring;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Baseline against candidate on this machine, each in a process of its own: cold starts, warm-up, paired blocks until the
/// verdict is clear or the last look is reached, the tail of the distribution, and what the device did meanwhile. One model
/// alone is measured by the same steps and gets no verdict.
/// </summary>
public static class PairedBenchmark
{
    /// <param name="job">What to measure.</param>
    /// <param name="program">A program that becomes a model host when its last argument is <see cref="Hosts.ModelHost.Command"/>.</param>
    /// <param name="progress">Told where the benchmark is.</param>
    /// <param name="cancellationToken">Ends it; what was changed on the device is put back.</param>
    /// <param name="time">Only for waiting.</param>
    /// <exception cref="BenchException">A model does not load, does not run, answers with no numbers or takes too much; or the two have different contracts.</exception>
    public static async Task<BenchOutcome> RunAsync(BenchJob job, OwnProgram program, IProgress<BenchProgress>? progress, CancellationToken cancellationToken, TimeProvider? time = null)
    {
        long begun = Stopwatch.GetTimestamp();
        time ??= TimeProvider.System;
        FileLease? lease = job.LeaseFile is null
            ? null
            : await FileLease.AcquireAsync(job.LeaseFile, time, () => progress?.Report(new BenchProgress("waiting for lease", 0)), cancellationToken).ConfigureAwait(false);
        using (lease)
        {
            KernelFiles files = new(job.SystemRoot);
            using DeviceChanges changes = DeviceChanges.Make(files, files, job.Governor);
            using BenchSetup setup = new(job, program, progress, time);
            return await new BenchRun(setup, files, begun).RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>What a benchmark found, and everything that was timed for it.</summary>
public sealed record BenchOutcome(BenchEvidence Evidence, RawMeasurement Raw);
