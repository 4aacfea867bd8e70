using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>What every phase of one benchmark needs.</summary>
internal sealed class BenchSetup(BenchJob job, OwnProgram program, IProgress<BenchProgress>? progress, TimeProvider time) : IDisposable
{
    /// <summary>How long a host may be silent beyond the time that its request takes.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Held over the whole benchmark: a line that is given back between windows may fall by itself.</summary>
    private readonly GpioLine? _marker = job.Marker is { } line ? new GpioLine(GpioKernel.Host, GpioAddress.Parse(line)) : null;

    public BenchJob Job { get; } = job;

    public TimeProvider Time { get; } = time;

    /// <summary>One coin for all that is drawn, so that a seed tells a whole run again.</summary>
    public SeededCoin Coin { get; } = new(job.Seed);

    public bool IsPaired => Job.BaselinePath is not null;

    /// <summary>The two, the baseline first; one model alone is the candidate.</summary>
    public IReadOnlyList<MeasuredModel> Models => IsPaired ? [MeasuredModel.Baseline, MeasuredModel.Candidate] : [MeasuredModel.Candidate];

    /// <summary>The models in an order that the coin says.</summary>
    public IReadOnlyList<MeasuredModel> ModelsInRandomOrder() => Coin.Flip() ? [.. Models.Reverse()] : Models;

    public string PathOf(MeasuredModel model) => model == MeasuredModel.Baseline ? Job.BaselinePath! : Job.CandidatePath;

    public HostOptions HostOf(MeasuredModel model) => new(program, model, PathOf(model), Job.MemoryLimitBytes, s_patience, Time) { Marker = _marker?.Share() };

    public void Dispose() => _marker?.Dispose();

    public void Report(string stage, double share, string? note = null) => progress?.Report(new BenchProgress(stage, share, note));
}
