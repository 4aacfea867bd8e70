using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class BlockTests
{
    [Fact]
    public void The_ratio_is_that_of_the_medians_whatever_the_order_of_the_cells()
    {
        Cell[] cells = [Of(MeasuredModel.Candidate, 3, 3, 90), Of(MeasuredModel.Baseline, 2, 2), Of(MeasuredModel.Baseline, 2, 50), Of(MeasuredModel.Candidate, 3, 3)];
        Block block = Block.Of(0, cells, BenchCondition.Quiet);

        Assert.Equal(Math.Log(1.5), block.LogRatio!.Value, 12);
        Assert.Equal(block.LogRatio, Block.Of(0, [.. cells.Reverse()], BenchCondition.Quiet).LogRatio);
        Assert.Equal("BAAB", block.ToRecord(null).Order);
        Assert.Equal((0.002, 0.003), (block.ToRecord(null).BaselineMicros, block.ToRecord(null).CandidateMicros));
    }

    [Fact]
    public void The_middle_of_an_even_number_lies_between_the_two_in_the_middle()
    {
        Assert.Equal(2.5, Cell.Median(4, 1, 3, 2));
        Assert.Equal(3, Cell.Median(9, 1, 3));
    }

    [Fact]
    public void A_block_counts_unless_something_disturbed_it()
    {
        Assert.Empty(Causes(BenchCondition.Quiet, reply => reply));
        Assert.Equal(["pages came from disk"], Causes(BenchCondition.Quiet, reply => reply with { MajorFaults = 1 }));
        Assert.Equal(["the collector ran"], Causes(BenchCondition.Quiet, reply => reply with { Collections = 1 }));
        Assert.Equal(["others used the processor"], Causes(BenchCondition.Quiet, reply => reply with { RunNanos = 94, WaitNanos = 6 }));
        Assert.Empty(Causes(BenchCondition.Quiet, reply => reply with { RunNanos = 95, WaitNanos = 5 }));
        Assert.Empty(Causes(BenchCondition.Quiet, reply => reply with { RunNanos = null, WaitNanos = null }));
        // A device that serves shares its processors, and both models wait alike.
        Assert.Empty(Causes(BenchCondition.Live, reply => reply with { RunNanos = 50, WaitNanos = 50 }));
        Assert.NotEmpty(Causes(BenchCondition.Live, reply => reply with { MajorFaults = 1 }));
    }

    [Fact]
    public void A_clock_that_changed_between_the_cells_of_one_model_disturbs_the_block_and_one_that_goes_with_the_model_does_not()
    {
        Assert.Equal(["the clock changed"], Clocks(BenchCondition.Quiet, 1.5e9, 1.5e9, 1.4e9, 1.4e9));
        Assert.Equal(["the clock changed"], Clocks(BenchCondition.Quiet, 1.5e9, 1.4e9, 1.5e9, 1.5e9));
        Assert.Empty(Clocks(BenchCondition.Quiet, 1.5e9, 1.5e9, 1.43e9, 1.43e9));
        Assert.Empty(Clocks(BenchCondition.Quiet, 1.5e9, 0.6e9, 0.6e9, 1.5e9));
        Assert.Empty(Clocks(BenchCondition.Quiet, null, null, null, null));
        Assert.Empty(Clocks(BenchCondition.Quiet, 1.5e9, null, null, null));
        // Whoever serves meanwhile moves the governor, and both models live with it.
        Assert.Empty(Clocks(BenchCondition.Live, 1.5e9, 1.5e9, 0.6e9, 0.6e9));
    }

    [Fact]
    public void A_slow_block_is_no_cause()
    {
        Cell[] cells = [Of(MeasuredModel.Baseline, 1), Of(MeasuredModel.Candidate, 1e9), Of(MeasuredModel.Candidate, 1e9), Of(MeasuredModel.Baseline, 1)];
        Assert.Empty(Block.Of(0, cells, BenchCondition.Quiet).Causes);
    }

    private static IReadOnlyList<string> Clocks(BenchCondition condition, params double?[] hertz)
    {
        MeasuredModel[] order = [MeasuredModel.Baseline, MeasuredModel.Candidate, MeasuredModel.Candidate, MeasuredModel.Baseline];
        return Block.Of(0, [.. order.Zip(hertz, (model, clock) => Of(model, 1) with { Hertz = clock })], condition).Causes;
    }

    private static IReadOnlyList<string> Causes(BenchCondition condition, Func<CellReply, CellReply> change)
    {
        Cell[] cells = [Of(MeasuredModel.Baseline, 2), Of(MeasuredModel.Candidate, 3), Of(MeasuredModel.Candidate, 3), Of(MeasuredModel.Baseline, 2)];
        cells[2] = cells[2] with { Reply = change(cells[2].Reply) };
        return Block.Of(0, cells, condition).Causes;
    }

    private static Cell Of(MeasuredModel model, params double[] nanos) => Cell.Of(
        model,
        new CellReply { BeginTicks = 0, EndTicks = 1, Inferences = nanos.Length, Nanos = MemoryMarshal.AsBytes<double>(nanos).ToArray(), RunNanos = 100, WaitNanos = 0 },
        batch: 1);
}
