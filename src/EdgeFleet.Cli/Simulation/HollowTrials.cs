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
        TimeSpan duration = TimeSpan.FromMilliseconds(job.WarmUpMs + (8.0 * job.Looks[^1] * job.CellMs));
        await Task.Delay(duration, time, cancellationToken);
        double[] blocks = [.. Enumerable.Range(0, job.Looks[^1]).Select(_ => _deviceLogRatio + (0.01 * Gaussian(_random)))];
        double[] sorted = [.. blocks.Order()];
        double ratio = Math.Exp(sorted[sorted.Length / 2]);
        Reading memory = new() { State = ReadingState.Modelled, Value = 40 << 20, Unit = "bytes", Source = Source };
        ModelMemory process = new() { Peak = memory, Phases = [], ControlGroup = Reading.Absent(Source), Accelerator = Reading.Absent(Source) };
        ColdStart start = new(0, behaviour.LoadTime.TotalMilliseconds, 0, 0, ColdPageCache: false);
        return new TrialResult.Measured(new BenchEvidence
        {
            Verdict = ratio > 1 + job.LatencyMargin ? "fail" : "pass",
            Difference = ratio < 1 ? "faster" : "slower",
            Reason = $"{Source}: ratio {ratio:0.000}",
            Latency = new LatencyEvidence
            {
                Ratio = ratio,
                Interval = [Math.Exp(sorted[0]), Math.Exp(sorted[^1])],
                Margin = job.LatencyMargin,
                Looks = 1,
                BlockLogRatios = blocks,
                Baseline = Summary(behaviour.BaselineP50Micros, job.Looks[^1]),
                Candidate = Summary(behaviour.BaselineP50Micros * ratio, job.Looks[^1]),
            },
            Memory = new MemoryEvidence { State = ReadingState.Modelled, Ratio = 1, Margin = job.MemoryMargin, Baseline = process, Candidate = process },
            Energy = EnergyEvidence.Absent("a simulated device has no meter"),
            Counters = CounterEvidence.Absent("a simulated device has no processor of its own"),
            ColdStart = new ColdStartEvidence { Baseline = [start], Candidate = [start] },
            Condition = job.Condition,
            Blocks = job.Looks[^1],
            Fingerprint = new Dictionary<string, string> { ["source"] = Source },
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

    private static LatencySummary Summary(double p50, int blocks) => new()
    {
        Inferences = blocks * 50L,
        P50 = Percentile.Of(p50),
        P90 = Percentile.Of(p50 * 1.2),
        P95 = Percentile.Of(p50 * 1.3),
        P99 = Percentile.Of(p50 * 1.5),
        MeanMicros = p50 * 1.05,
        BlockMedianMicros = p50,
    };

    /// <summary>Box and Muller.</summary>
    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
