using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Fingerprints;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Verdicts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>The phases of one benchmark in their order, and the evidence from what they found.</summary>
internal sealed class BenchRun(BenchSetup setup, ISystemFiles files, long begun)
{
    private readonly BenchJob _job = setup.Job;
    private readonly List<string> _warnings = [];

    public async Task<BenchOutcome> RunAsync(CancellationToken cancellationToken)
    {
        ClockCheck clock = ClockCheck.Run();
        ColdStarts coldStarts = new(setup);
        await coldStarts.RunAsync(cancellationToken).ConfigureAwait(false);

        if (_job.Looks.Count == 0)
        {
            return new BenchOutcome(OfColdStarts(clock, coldStarts), new RawMeasurement());
        }

        ProcessorChoice processors = new(_job, files);
        await using HostPair pair = await HostPair.StartAsync(setup, processors, oneAtATime: false, cancellationToken).ConfigureAwait(false);
        setup.Report("loading", 0);
        await pair.LoadAnewAsync(_job.Session, cancellationToken).ConfigureAwait(false);
        OutputEvidence? outputs = await OutputComparison.RunAsync(setup, pair, _warnings, cancellationToken).ConfigureAwait(false);

        WarmUp warmUp = new(setup, pair);
        await warmUp.RunAsync(cancellationToken).ConfigureAwait(false);

        CellPlan plan = CellPlan.Of(_job, TimeSpan.FromMilliseconds(_job.CellMs), TimeSpan.Zero, warmUp, clock);
        BlockPhase blocks = new(setup, pair, processors, plan);
        BenchDecision decision = new(_job, coldStarts, warmUp);
        await decision.MeasureAsync(blocks, cancellationToken).ConfigureAwait(false);

        TailPhase tail = new(setup, pair);
        await tail.RunAsync(cancellationToken).ConfigureAwait(false);

        setup.Report("done", 1);
        Block[] valid = [.. blocks.Valid];
        BenchEvidence cold = OfColdStarts(clock, coldStarts);
        BenchEvidence evidence = cold with
        {
            Verdict = decision.Verdict,
            Difference = decision.Difference,
            Reason = decision.Reason,
            Warnings = _warnings,
            Latency = new LatencyEvidence
            {
                Ratio = decision.Latency?.Ratio,
                Interval = decision.Latency is { Low: { } low, High: { } high } ? [low, high] : null,
                Confidence = 1 - decision.Alpha,
                Margin = _job.LatencyMargin,
                Looks = decision.Looks,
                BlockLogRatios = setup.IsPaired ? blocks.LogRatios : [],
                Baseline = setup.IsPaired ? LatencyFigures.Of(MeasuredModel.Baseline, valid, tail.NanosOf(MeasuredModel.Baseline)) : null,
                Candidate = LatencyFigures.Of(MeasuredModel.Candidate, valid, tail.NanosOf(MeasuredModel.Candidate)),
            },
            Outputs = outputs,
            Environment = cold.Environment with
            {
                Steady = warmUp.IsSteady,
                WarmUp = warmUp.Reason,
                BaselineBatch = plan.BaselineBatch,
                CandidateBatch = plan.CandidateBatch,
            },
            Blocks = valid.Length,
            DiscardedBlocks = blocks.Disturbed,
            BlockRecords = [.. blocks.Blocks.Select(block => block.ToRecord(energyLogRatio: null))],
            Fingerprint = Fingerprint.Of(_job, files, pair.Sessions),
            Seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds,
        };
        return new BenchOutcome(evidence, Raw(blocks, tail));
    }

    /// <summary>What there is to say before the first block, and all where none is asked for.</summary>
    private BenchEvidence OfColdStarts(ClockCheck clock, ColdStarts coldStarts) => new()
    {
        Verdict = Verdict.Inconclusive.Word(),
        Difference = Difference.None.Word(),
        Reason = "no block was measured",
        Latency = new LatencyEvidence { Margin = _job.LatencyMargin, Candidate = LatencyFigures.Of(MeasuredModel.Candidate, [], []) },
        Memory = MemoryFigures.Of(_job, coldStarts),
        Energy = EnergyEvidence.Absent("no meter is read yet"),
        Counters = CounterEvidence.Absent("not read yet"),
        ColdStart = coldStarts.Evidence,
        Environment = new EnvironmentEvidence { TimerNanos = clock.CostNanos, TimerResolutionNanos = clock.ResolutionNanos },
        Condition = _job.Condition,
        Blocks = 0,
        Fingerprint = Fingerprint.Of(_job, files, sessions: 0),
        Seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds,
    };

    private RawMeasurement Raw(BlockPhase blocks, TailPhase tail) => new()
    {
        Cells = [.. blocks.Blocks.SelectMany(block => block.Cells.Select(cell => new RawCell(
            block.Index, Word(cell.Model), Seconds(cell.Reply.BeginTicks), Seconds(cell.Reply.EndTicks), cell.Batch, cell.Nanos, block.Causes.Count == 0)))],
        BaselineTail = tail.NanosOf(MeasuredModel.Baseline),
        CandidateTail = tail.NanosOf(MeasuredModel.Candidate),
    };

    private double Seconds(long ticks) => (double)(ticks - begun) / Stopwatch.Frequency;

    private static string Word(MeasuredModel model) => model == MeasuredModel.Baseline ? "baseline" : "candidate";
}
