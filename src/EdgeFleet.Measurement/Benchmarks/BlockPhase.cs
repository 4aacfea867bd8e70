using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// The paired blocks: four cells, ABBA or BAAB by the coin, so that what drifts slower than a block cancels. Both models get
/// new sessions for each block where loading is quick enough. A block that something disturbed is measured again; the cause
/// decides that, never the value: dropping slow blocks would make every model fast.
/// </summary>
internal sealed class BlockPhase(BenchSetup setup, HostPair pair, ProcessorChoice processors, DeviceWatch watch, EnergyPhase energy, CellPlan plan)
{
    /// <summary>After a switch the other model's weights are in the caches; these inferences refill them.</summary>
    private const int DiscardedAfterSwitch = 3;
    private const int FewestSamples = 25;
    /// <summary>Extra blocks, as a share of the most that were asked for.</summary>
    private const double MostExtra = 0.5;
    /// <summary>More blocks than this share disturbed: the surroundings are unfit, and going on would not make them better.</summary>
    private const double UnfitShare = 0.3;
    private const int FewestToJudgeSurroundings = 10;

    private readonly List<Block> _blocks = [];

    /// <summary>In the order measured, those that do not count among them.</summary>
    public IReadOnlyList<Block> Blocks => _blocks;

    public IEnumerable<Block> Valid => _blocks.Where(block => block.Causes.Count == 0);

    public double[] LogRatios => [.. Valid.Select(block => block.LogRatio!.Value)];

    public int Disturbed => _blocks.Count(block => block.Causes.Count > 0);

    /// <summary>Blocks were disturbed so often that measuring on would not help.</summary>
    public bool IsUnstable { get; private set; }

    /// <summary>Measures until this many blocks count, or until the surroundings prove unfit.</summary>
    public async Task MeasureUntilAsync(int valid, string? note, CancellationToken cancellationToken)
    {
        int most = setup.Job.Looks[^1];
        while (Valid.Count() < valid && !IsUnstable)
        {
            cancellationToken.ThrowIfCancellationRequested();
            setup.Report("measuring", (double)Valid.Count() / most, note);
            await pair.RenewAsync(setup.Job.Session, cancellationToken).ConfigureAwait(false);
            watch.Begin();
            Block block = await MeasureBlockAsync(_blocks.Count, cancellationToken).ConfigureAwait(false);
            block = block with { Causes = [.. block.Causes, .. watch.End()] };
            energy.Take(block);
            _blocks.Add(block);
            if (block.Causes.Contains(Block.SharedProcessor))
            {
                processors.WereBusy();
            }
            IsUnstable = Disturbed > most * MostExtra
                || (_blocks.Count >= FewestToJudgeSurroundings && Disturbed > UnfitShare * _blocks.Count);
        }
    }

    private async Task<Block> MeasureBlockAsync(int index, CancellationToken cancellationToken)
    {
        bool candidateFirst = setup.Coin.Flip();
        MeasuredModel first = candidateFirst || !setup.IsPaired ? MeasuredModel.Candidate : MeasuredModel.Baseline;
        MeasuredModel second = candidateFirst && setup.IsPaired ? MeasuredModel.Baseline : MeasuredModel.Candidate;
        // The same inputs for both, others in each block.
        int input = setup.Coin.Below(Math.Max(pair.Inputs, 1));
        foreach (MeasuredModel model in new[] { first, second }.Distinct())
        {
            // A new session's first inferences take memory from the system; they are nobody's latency.
            await pair.MeasureAsync(model, new CellRequest { DurationTicks = plan.DurationTicks / 2, FirstInput = input }, cancellationToken).ConfigureAwait(false);
        }
        List<Cell> cells = [];
        foreach (MeasuredModel model in new[] { first, second, second, first })
        {
            int batch = plan.BatchOf(model);
            CellReply reply = await pair.MeasureAsync(
                model,
                new CellRequest
                {
                    Discard = DiscardedAfterSwitch,
                    LeadTicks = plan.LeadTicks,
                    DurationTicks = plan.DurationTicks,
                    MinimumSamples = FewestSamples,
                    Batch = batch,
                    FirstInput = input,
                    Mark = true,
                },
                cancellationToken).ConfigureAwait(false);
            cells.Add(Cell.Of(model, reply, batch, watch.Hertz(reply.Processor)));
        }
        return Block.Of(index, cells, setup.Job.Condition);
    }
}

/// <summary>How long a cell lasts and how many inferences make a sample.</summary>
internal sealed record CellPlan(long DurationTicks, long LeadTicks, int BaselineBatch, int CandidateBatch)
{
    public int BatchOf(MeasuredModel model) => model == MeasuredModel.Baseline ? BaselineBatch : CandidateBatch;

    public static CellPlan Of(BenchJob job, TimeSpan cell, TimeSpan lead, WarmUp warmUp, ClockCheck clock)
    {
        return new CellPlan(
            (long)(cell.TotalSeconds * Stopwatch.Frequency),
            (long)(lead.TotalSeconds * Stopwatch.Frequency),
            job.BaselinePath is null ? 1 : Batch(MeasuredModel.Baseline),
            Batch(MeasuredModel.Candidate));

        // Without a tail phase the percentiles come from the blocks, and a percentile of means is not one of inferences.
        int Batch(MeasuredModel model) => job.TailInferences == 0 ? 1 : clock.BatchFor(warmUp.NanosOf(model), cell.TotalNanoseconds, CellLoop.Capacity);
    }
}
