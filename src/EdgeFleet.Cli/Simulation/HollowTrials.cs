using EdgeFleet.Agent.Workers;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Cli.Simulation;

/// <summary>Trials without a model: the waiting is real, the figures are modelled and say so.</summary>
internal sealed class HollowTrials(HollowBehaviour behaviour, int seed, TimeProvider time) : ITrials
{
    private const string Source = "modelled by edgefleet simulate";
    // Seeded per device: a simulation can be run again.
    private readonly Random _random = new(seed);
    private readonly double _deviceLogRatio = Math.Log(behaviour.LatencyRatio) + (behaviour.DeviceSpread * Gaussian(new Random(seed)));

    public Task<TrialResult> LoadAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken) =>
        Task.FromResult<TrialResult>(new TrialResult.Passed());

    public async Task<TrialResult> BenchAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken)
    {
        TimeSpan duration = TimeSpan.FromMilliseconds(job.WarmUpMs + (4.0 * job.Blocks * job.BlockMs));
        await Task.Delay(duration, time, cancellationToken);
        double[] blocks = [.. Enumerable.Range(0, job.Blocks).Select(_ => _deviceLogRatio + (0.01 * Gaussian(_random)))];
        double[] sorted = [.. blocks.Order()];
        double ratio = Math.Exp(sorted[sorted.Length / 2]);
        Reading memory = new() { State = ReadingState.Modelled, Value = 40 << 20, Unit = "bytes", Source = Source };
        Reading load = new() { State = ReadingState.Modelled, Value = behaviour.LoadTime.TotalMilliseconds, Unit = "ms", Source = Source };
        return new TrialResult.Measured(new BenchEvidence
        {
            Verdict = ratio > 1 + job.LatencyMargin ? "fail" : "pass",
            Difference = ratio < 1 ? "faster" : "slower",
            LatencyRatio = ratio,
            LatencyRatioLow = Math.Exp(sorted[0]),
            LatencyRatioHigh = Math.Exp(sorted[^1]),
            Baseline = Summary(behaviour.BaselineP50Micros, job.Blocks),
            Candidate = Summary(behaviour.BaselineP50Micros * ratio, job.Blocks),
            BaselinePeakMemory = memory,
            CandidatePeakMemory = memory,
            BaselineLoad = load,
            CandidateLoad = load,
            Energy = Reading.Absent("a simulated device has no meter"),
            Condition = job.Condition,
            Blocks = job.Blocks,
            BlockLogRatios = blocks,
            Fingerprint = new Dictionary<string, string> { ["source"] = Source },
            LatencyMargin = job.LatencyMargin,
            MemoryMargin = job.MemoryMargin,
            Reason = $"{Source}: ratio {ratio:0.000}",
            Seconds = duration.TotalSeconds,
        });
    }

    public async Task<TrialResult> ShadowAsync(ShadowJob job, Func<ShadowTick, CancellationToken, Task> take, CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(job.TickMs), time);
        for (long tick = job.FirstTick; await timer.WaitForNextTickAsync(cancellationToken); tick++)
        {
            double perSecond = Math.Min(job.MaxPerSecond, behaviour.RequestsPerSecond * job.SamplingShare);
            int pairs = Math.Max(1, (int)Math.Round(perSecond * job.TickMs / 1000));
            double logRatio = _deviceLogRatio + (0.02 * Gaussian(_random) / Math.Sqrt(pairs));
            await take(new ShadowTick
            {
                Tick = tick,
                StartedAt = time.GetUtcNow(),
                DurationMs = job.TickMs,
                Pairs = pairs,
                Disagreements = Enumerable.Range(0, pairs).Count(_ => _random.NextDouble() < behaviour.Disagreement),
                NoisePairs = Math.Max(1, (int)Math.Round(pairs * job.NoiseShare)),
                MeanLogLatencyRatio = logRatio,
                MedianLogLatencyRatio = logRatio,
                NoiseMeanLogLatencyRatio = 0.02 * Gaussian(_random) / Math.Sqrt(pairs),
                BaselineP50Micros = behaviour.BaselineP50Micros,
                CandidateP50Micros = behaviour.BaselineP50Micros * Math.Exp(logRatio),
                BaselineP95Micros = behaviour.BaselineP50Micros * 1.3,
                CandidateP95Micros = behaviour.BaselineP50Micros * 1.3 * Math.Exp(logRatio),
                CandidatePeakBytes = 40 << 20,
            }, cancellationToken);
        }
        return new TrialResult.Passed();
    }

    private static LatencySummary Summary(double p50, int blocks) => new(blocks * 50L, p50, p50 * 1.2, p50 * 1.3, p50 * 1.5, p50 * 1.05);

    /// <summary>Box and Muller.</summary>
    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
