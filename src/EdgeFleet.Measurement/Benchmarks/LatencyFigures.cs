using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>One model's latencies as the evidence states them.</summary>
internal static class LatencyFigures
{
    /// <param name="model">Which of the two.</param>
    /// <param name="blocks">The blocks that count.</param>
    /// <param name="tail">Single inferences of the tail phase in nanoseconds; empty takes the samples of the blocks.</param>
    public static LatencySummary Of(MeasuredModel model, IReadOnlyList<Block> blocks, IReadOnlyList<double> tail)
    {
        Cell[] cells = [.. blocks.SelectMany(block => block.Cells).Where(cell => cell.Model == model)];
        double[] micros = [.. (tail.Count > 0 ? tail : cells.SelectMany(cell => cell.Nanos)).Select(nanos => nanos / 1000)];
        double[] blockMedians = [.. blocks.Select(block => block.NanosOf(model)).OfType<double>()];
        double[] switches = [.. cells.Where(cell => cell.Reply.FirstMicros > 0).Select(cell => cell.Reply.FirstMicros - (Cell.Median(cell.Nanos) / 1000))];
        return new LatencySummary
        {
            Inferences = micros.Length,
            P50 = PercentileOf(micros, 0.50),
            P90 = PercentileOf(micros, 0.90),
            P95 = PercentileOf(micros, 0.95),
            P99 = PercentileOf(micros, 0.99),
            MeanMicros = micros.Length > 0 ? micros.Average() : null,
            MaxMicros = micros.Length > 0 ? micros.Max() : null,
            BlockMedianMicros = blockMedians.Length > 0 ? Cell.Median(blockMedians) / 1000 : null,
            SwitchMicros = switches.Length > 0 ? Cell.Median(switches) : null,
        };
    }

    internal static Percentile PercentileOf(double[] micros, double share)
    {
        if (PercentileInterval.Of(micros, share) is not { } interval)
        {
            return Percentile.Absent("no inference was timed");
        }
        long needed = EarlyStopping.SamplesNeeded(share, overLatency: 1);
        return micros.Length < needed
            ? Percentile.Absent(string.Create(CultureInfo.InvariantCulture, $"p{share * 100:0} takes {needed} inferences, and {micros.Length} were timed"))
            : new Percentile
            {
                Micros = interval.Value,
                Interval = [interval.Lower, interval.Upper],
                EarlyStoppingMicros = EarlyStopping.Estimate(share, micros)?.Value,
            };
    }
}
