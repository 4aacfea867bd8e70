using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Four cells and why they do not count, where they do not.</summary>
internal sealed record Block(int Index, IReadOnlyList<Cell> Cells, IReadOnlyList<string> Causes)
{
    public const string SharedProcessor = "others used the processor";

    /// <summary>Two cells of one model whose clocks differ by more than this share ran on two speeds of the device.</summary>
    private const double ClockApart = 0.05;

    /// <summary>Others may have had this share of the processor time that a cell was ready to use.</summary>
    private const double MostWaiting = 0.05;

    public static Block Of(int index, IReadOnlyList<Cell> cells, BenchCondition condition) =>
        new(index, cells, [.. cells.SelectMany(cell => CausesOf(cell, condition)).Concat(ClockCause(cells, condition)).Distinct()]);

    /// <summary>Median nanoseconds per inference over the model's two cells (four of one model alone); null without any.</summary>
    public double? NanosOf(MeasuredModel model)
    {
        double[] nanos = [.. Cells.Where(cell => cell.Model == model).SelectMany(cell => cell.Nanos)];
        return nanos.Length == 0 ? null : Cell.Median(nanos);
    }

    /// <summary>ln(candidate / baseline) of the medians; null for one model alone.</summary>
    public double? LogRatio => NanosOf(MeasuredModel.Baseline) is { } baseline ? Math.Log(NanosOf(MeasuredModel.Candidate)!.Value / baseline) : null;

    public BlockRecord ToRecord(double? energyLogRatio) => new(
        Index,
        string.Concat(Cells.Select(cell => cell.Model == MeasuredModel.Baseline ? 'A' : 'B')),
        NanosOf(MeasuredModel.Baseline) / 1000,
        NanosOf(MeasuredModel.Candidate)!.Value / 1000,
        LogRatio,
        energyLogRatio,
        Causes);

    /// <summary>
    /// A clock that drifts over a block cancels in it, and one that jumps does not. The cells of one model are held against each
    /// other and not against the other model's: what a governor makes of a lighter load belongs to the comparison.
    /// </summary>
    private static IEnumerable<string> ClockCause(IReadOnlyList<Cell> cells, BenchCondition condition) =>
        condition == BenchCondition.Quiet && cells.GroupBy(cell => cell.Model).Any(own => own.Min(cell => cell.Hertz) < (1 - ClockApart) * own.Max(cell => cell.Hertz))
            ? ["the clock changed"]
            : [];

    private static IEnumerable<string> CausesOf(Cell cell, BenchCondition condition)
    {
        if (cell.Reply.MajorFaults > 0)
        {
            yield return "pages came from disk";
        }
        if (cell.Reply.Collections > 0)
        {
            yield return "the collector ran";
        }
        // A device that serves shares its processors; there both models wait alike.
        if (condition == BenchCondition.Quiet && cell.Reply is { RunNanos: { } ran, WaitNanos: { } waited } && waited > MostWaiting * (ran + waited))
        {
            yield return SharedProcessor;
        }
    }
}
