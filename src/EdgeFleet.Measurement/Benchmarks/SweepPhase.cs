using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// A coarse pass over other settings and offered rates: a few seconds for each point and model, in a process of its own. It
/// says where to look, and claims no difference: for that there are blocks.
/// </summary>
internal sealed class SweepPhase(BenchSetup setup)
{
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_point = TimeSpan.FromSeconds(3);

    public async Task<IReadOnlyList<SweepResult>> RunAsync(CancellationToken cancellationToken)
    {
        List<SweepResult> results = [];
        foreach (SweepPoint point in setup.Job.Sweep)
        {
            foreach (MeasuredModel model in setup.ModelsInRandomOrder())
            {
                setup.Report("sweep", (double)results.Count / (setup.Job.Sweep.Count * setup.Models.Count), point.ToString());
                results.Add(await MeasureAsync(point, model, cancellationToken).ConfigureAwait(false));
            }
        }
        SweepPoint[] points = [.. setup.Job.Sweep];
        return [.. results.OrderBy(result => Array.IndexOf(points, result.Point)).ThenBy(result => result.Model, StringComparer.Ordinal)];
    }

    private async Task<SweepResult> MeasureAsync(SweepPoint point, MeasuredModel model, CancellationToken cancellationToken)
    {
        SweepResult result = new() { Point = point, Model = model.ToString().ToLowerInvariant() };
        try
        {
            await using HostProcess host = await HostProcess.StartAsync(setup.HostOf(model), cancellationToken).ConfigureAwait(false);
            // A dataset's rows are single; another batch takes synthetic inputs.
            string? inputs = point.Session.FreeDimension == setup.Job.Session.FreeDimension ? setup.Job.InputPath : null;
            await host.LoadAsync(new LoadRequest(setup.PathOf(model), point.Session, inputs, setup.Job.Seed, PaddingBytes: 0, setup.Job.Cpus), cancellationToken).ConfigureAwait(false);
            await host.MeasureAsync(new CellRequest { DurationTicks = Ticks(s_warmUp), MinimumSamples = 3 }, cancellationToken).ConfigureAwait(false);
            CellReply reply = await host.MeasureAsync(
                new CellRequest
                {
                    DurationTicks = Ticks(s_point),
                    MinimumSamples = 3,
                    MeanGapTicks = point.RequestsPerSecond is { } rate ? Math.Max(1, (long)(Stopwatch.Frequency / rate)) : null,
                    Seed = setup.Job.Seed,
                },
                cancellationToken).ConfigureAwait(false);
            PhaseReply memory = await host.EndPhaseAsync(MemoryPhases.Steady, cancellationToken).ConfigureAwait(false);
            double[] micros = [.. MemoryMarshal.Cast<byte, double>(reply.Nanos).ToArray().Select(nanos => nanos / 1000)];
            return result with
            {
                P50 = LatencyFigures.PercentileOf(micros, 0.50),
                P99 = LatencyFigures.PercentileOf(micros, 0.99),
                InferencesPerSecond = reply.Inferences * point.Session.FreeDimension / ((double)(reply.EndTicks - reply.BeginTicks) / Stopwatch.Frequency),
                PeakMemory = memory.Memory.PeakBytes is { } bytes ? Reading.Measured(bytes, "bytes", "VmHWM") : Reading.Absent(memory.NoReset ?? "VmHWM is not told"),
            };
        }
        catch (BenchException ex)
        {
            // One point that this machine or this model cannot do is a result of the sweep.
            return result with { Reason = ex.Message };
        }
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
