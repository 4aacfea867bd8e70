using System.Threading.Channels;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Tests.Support;

/// <summary>Trials with the results that a test chooses by the candidate's path.</summary>
internal sealed class FakeTrials : ITrials
{
    public Func<BenchJob, TrialResult> Load { get; set; } = static _ => new TrialResult.Passed();

    public Func<BenchJob, TrialResult> Bench { get; set; } = static _ => new TrialResult.Measured(Evidence("pass"));

    /// <summary>Ticks that a shadow gives before it goes on silently.</summary>
    public int Ticks { get; set; } = 3;

    public Func<ShadowTick, ShadowTick> Tick { get; set; } = static tick => tick;

    public Func<ShadowJob, TrialResult?> ShadowEnd { get; set; } = static _ => null;

    /// <summary>Ticks that the agent has taken in.</summary>
    public Channel<long> Taken { get; } = Channel.CreateUnbounded<long>();

    public List<BenchJob> Benches { get; } = [];
    public List<ShadowJob> Shadows { get; } = [];

    public Task<TrialResult> LoadAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken) => Task.FromResult(Load(job));

    public Task<TrialResult> BenchAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken)
    {
        Benches.Add(job);
        return Task.FromResult(Bench(job));
    }

    public async Task<TrialResult> ShadowAsync(ShadowJob job, Func<ShadowTick, CancellationToken, Task> take, CancellationToken cancellationToken)
    {
        Shadows.Add(job);
        for (long tick = job.FirstTick; tick < Ticks; tick++)
        {
            await take(
                Tick(new ShadowTick { Tick = tick, StartedAt = DateTimeOffset.UnixEpoch, DurationMs = 1000, Pairs = 10, Disagreements = 0 }), cancellationToken);
            Taken.Writer.TryWrite(tick);
        }
        if (ShadowEnd(job) is { } end)
        {
            return end;
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        throw new System.Diagnostics.UnreachableException();
    }

    public static BenchEvidence Evidence(string verdict, double ratio = 1, double margin = 0.05, EnergyEvidence? energy = null) => new()
    {
        Verdict = verdict,
        Difference = "none",
        Latency = new LatencyEvidence
        {
            Ratio = ratio,
            Interval = [ratio - 0.01, ratio + 0.01],
            Margin = margin,
            Candidate = new LatencySummary
            {
                Inferences = 100, P50 = Percentile.Of(30), P90 = Percentile.Of(31), P95 = Percentile.Of(32), P99 = Percentile.Absent("too few"), MeanMicros = 30,
            },
        },
        Memory = MemoryEvidence.Absent("not measured here"),
        Energy = energy ?? EnergyEvidence.Absent("no sensor"),
        Counters = CounterEvidence.Absent("no counters"),
        ColdStart = new ColdStartEvidence(),
        Condition = BenchCondition.Live,
        Blocks = 8,
        Fingerprint = new Dictionary<string, string>(),
        Reason = $"latency ratio {ratio} against a margin of {1 + margin}",
    };
}
