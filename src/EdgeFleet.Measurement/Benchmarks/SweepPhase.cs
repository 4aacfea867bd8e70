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
            LoadReply loaded = await host.LoadAsync(new LoadRequest(setup.PathOf(model), point.Session, inputs, setup.Job.Seed, PaddingBytes: 0, setup.Job.Cpus), cancellationToken).ConfigureAwait(false);
            bool batches = loaded.Contract.Inputs.Any(input => input.Shape is [< 0, ..]);
            if (point.Session.FreeDimension != setup.Job.Session.FreeDimension && !batches)
            {
                return result with { Reason = string.Create(CultureInfo.InvariantCulture, $"its first dimension is fixed, so a batch of {point.Session.FreeDimension} cannot be tried") };
            }
            CellReply warm = await host.MeasureAsync(new CellRequest { DurationTicks = Ticks(s_warmUp), MinimumSamples = 3 }, cancellationToken).ConfigureAwait(false);
            double capacity = 1e9 / Cell.Median(Cell.Of(model, warm, batch: 1).Nanos);
            if (point.RequestsPerSecond is { } offered && offered >= capacity)
            {
                return result with { Reason = AboveCapacity(offered, capacity) };
            }
            CellReply reply = await host.MeasureAsync(
                new CellRequest
                {
                    DurationTicks = Ticks(s_point),
                    MinimumSamples = 3,
                    MeanGapTicks = point.RequestsPerSecond is { } rate ? Math.Max(1, (long)(Stopwatch.Frequency / rate)) : null,
                    Seed = setup.Job.Seed,
                },
                cancellationToken).ConfigureAwait(false);
            double served = reply.Inferences / ((double)(reply.EndTicks - reply.BeginTicks) / Stopwatch.Frequency);
            if (reply.Unserved > 0)
            {
                return result with { Reason = AboveCapacity(point.RequestsPerSecond!.Value, served) };
            }
            PhaseReply memory = await host.EndPhaseAsync(MemoryPhases.Steady, cancellationToken).ConfigureAwait(false);
            double[] micros = [.. MemoryMarshal.Cast<byte, double>(reply.Nanos).ToArray().Select(nanos => nanos / 1000)];
            return result with
            {
                P50 = LatencyFigures.PercentileOf(micros, 0.50),
                P99 = LatencyFigures.PercentileOf(micros, 0.99),
                InferencesPerSecond = served * (batches ? point.Session.FreeDimension : 1),
                PeakMemory = memory.Memory.PeakBytes is { } bytes ? Reading.Measured(bytes, "bytes", "VmHWM") : Reading.Absent(memory.NoReset ?? "VmHWM is not told"),
            };
        }
        catch (BenchException ex)
        {
            // One point that this machine or this model cannot do is a result of the sweep.
            return result with { Reason = ex.Message };
        }
    }

    /// <summary>A percentile of a queue that grows without end says only how long somebody looked.</summary>
    private static string AboveCapacity(double offered, double served) => string.Create(
        CultureInfo.InvariantCulture, $"above its capacity: {offered:0.##} requests per second were offered, and it answers about {served:0.##}; the queue grows without end");

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
