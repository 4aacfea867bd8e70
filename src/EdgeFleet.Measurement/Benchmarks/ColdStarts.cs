using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Files;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Each model from nothing, in fresh processes and in an order that the coin says: what a start costs in time, and what a
/// process that holds this model alone takes in memory.
/// </summary>
internal sealed class ColdStarts(BenchSetup setup)
{
    private static readonly long s_steadyTicks = Stopwatch.Frequency / 5;

    private readonly Dictionary<MeasuredModel, List<ColdStart>> _starts = new() { [MeasuredModel.Baseline] = [], [MeasuredModel.Candidate] = [] };
    private readonly Dictionary<MeasuredModel, List<IReadOnlyList<PhaseReply>>> _memory = new() { [MeasuredModel.Baseline] = [], [MeasuredModel.Candidate] = [] };

    /// <exception cref="BenchException">A model does not load or does not run.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (int round = 0; round < setup.Job.ColdStarts; round++)
        {
            foreach (MeasuredModel model in setup.ModelsInRandomOrder())
            {
                setup.Report("cold start", (double)round / setup.Job.ColdStarts);
                await StartAsync(model, coldPageCache: round == 0, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public ColdStartEvidence Evidence => new() { Baseline = _starts[MeasuredModel.Baseline], Candidate = _starts[MeasuredModel.Candidate] };

    /// <summary>Memory of the start whose peak is in the middle; null where the model was never started.</summary>
    public ModelMemory? MemoryOf(MeasuredModel model) => _memory[model].Count == 0 ? null : Middle(_memory[model]);

    internal static ModelMemory Middle(IReadOnlyList<IReadOnlyList<PhaseReply>> starts)
    {
        IReadOnlyList<PhaseReply>[] byPeak = [.. starts.OrderBy(PeakOf)];
        IReadOnlyList<PhaseReply> middle = byPeak[byPeak.Length / 2];
        return new ModelMemory
        {
            Peak = middle.FirstOrDefault(phase => phase.NoReset is not null) is { } failed
                ? Reading.Absent(failed.NoReset!)
                : PeakOf(middle) is { } peak
                    ? Reading.Measured(peak, "bytes", $"VmHWM of a process with this model alone, the middle of {byPeak.Length} starts")
                    : Reading.Absent("/proc/self/status has no VmHWM"),
            Phases = [.. middle.Select(phase => phase.Memory)],
            ControlGroup = middle[^1].ControlGroup,
            Accelerator = middle[^1].Accelerator,
        };
    }

    private static long? PeakOf(IReadOnlyList<PhaseReply> phases) => phases.Max(phase => phase.Memory.PeakBytes);

    private async Task StartAsync(MeasuredModel model, bool coldPageCache, CancellationToken cancellationToken)
    {
        string path = setup.PathOf(model);
        bool dropped = coldPageCache && PageCache.Drop(path);
        await using HostProcess host = await HostProcess.StartAsync(setup.HostOf(model), cancellationToken).ConfigureAwait(false);
        LoadReply loaded = await host.LoadAsync(
            new LoadRequest(path, setup.Job.Session, setup.Job.InputPath, setup.Job.Seed, PaddingBytes: 0, Cpus: setup.Job.Cpus, Phases: true), cancellationToken).ConfigureAwait(false);
        await host.MeasureAsync(new CellRequest { DurationTicks = s_steadyTicks }, cancellationToken).ConfigureAwait(false);
        PhaseReply steady = await host.EndPhaseAsync(MemoryPhases.Steady, cancellationToken).ConfigureAwait(false);
        _starts[model].Add(new ColdStart(host.StartTime.TotalMilliseconds, loaded.LoadMs, loaded.FirstMs, loaded.SecondMs, dropped));
        _memory[model].Add([.. loaded.Phases, steady]);
    }
}
