using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class LatencyFiguresTests
{
    [Fact]
    public void Where_no_inference_was_timed_nothing_is_zero_microseconds()
    {
        LatencySummary none = LatencyFigures.Of(MeasuredModel.Candidate, [], []);
        Assert.Equal((0, null, null), (none.Inferences, none.MeanMicros, none.MaxMicros));
        Assert.Equal("no inference was timed", none.P50.Reason);

        LatencySummary some = LatencyFigures.Of(MeasuredModel.Candidate, [], [1000, 3000]);
        Assert.Equal((2.0, 3.0), (some.MeanMicros, some.MaxMicros));
    }

    [Fact]
    public void A_percentile_that_takes_more_inferences_than_were_timed_is_withheld_and_says_how_many()
    {
        LatencySummary few = LatencyFigures.Of(MeasuredModel.Candidate, [], [.. Enumerable.Range(1, 661).Select(nanos => nanos * 1000.0)]);
        Assert.Equal(("p99 takes 662 inferences, and 661 were timed", null), (few.P99.Reason, few.P99.Micros));
        Assert.Equal(331.0, few.P50.Micros);
        Assert.NotNull(LatencyFigures.Of(MeasuredModel.Candidate, [], [.. Enumerable.Range(1, 662).Select(nanos => nanos * 1000.0)]).P99.Micros);
    }

    [Fact]
    public void A_model_s_figures_are_of_its_own_cells_and_the_switch_is_what_the_first_inference_took_more()
    {
        Block[] blocks = [Block(0, 2000, 9000, first: 5), Block(1, 4000, 8000, first: 10), Block(2, 9000, 7000, first: 12)];
        LatencySummary baseline = LatencyFigures.Of(MeasuredModel.Baseline, blocks, []), candidate = LatencyFigures.Of(MeasuredModel.Candidate, blocks, []);

        // 12 samples in two cells of each of three blocks.
        Assert.Equal((72, 5.0, 9.0), (baseline.Inferences, baseline.MeanMicros, baseline.MaxMicros));
        Assert.Equal((4.0, 8.0), (baseline.BlockMedianMicros, candidate.BlockMedianMicros));
        // 3, 6 and 3 µs more than the median of the cell.
        Assert.Equal(3.0, baseline.SwitchMicros!.Value, 9);
    }

    private static Block Block(int index, double baselineNanos, double candidateNanos, double first) => Measurement.Benchmarks.Block.Of(
        index,
        [.. new[] { MeasuredModel.Baseline, MeasuredModel.Candidate, MeasuredModel.Candidate, MeasuredModel.Baseline }.Select(model => Cell.Of(
            model,
            new CellReply
            {
                BeginTicks = 0,
                EndTicks = 1,
                Inferences = 12,
                Nanos = MemoryMarshal.AsBytes<double>([.. Enumerable.Repeat(model == MeasuredModel.Baseline ? baselineNanos : candidateNanos, 12)]).ToArray(),
                FirstMicros = first,
            },
            batch: 1))],
        BenchCondition.Quiet);
}
