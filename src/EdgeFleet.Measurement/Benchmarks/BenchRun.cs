using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Fingerprints;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Memory;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Verdicts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>The phases of one benchmark in their order, and the evidence from what they found.</summary>
internal sealed class BenchRun(BenchSetup setup, ISystemFiles files, long begun)
{
    private const string NoMeter = "absent";

    private readonly BenchJob _job = setup.Job;
    private readonly List<string> _warnings = [];

    public async Task<BenchOutcome> RunAsync(CancellationToken cancellationToken)
    {
        ClockCheck clock = ClockCheck.Run();
        GatePhase gate = new(setup, files);
        if (await gate.RunAsync(cancellationToken).ConfigureAwait(false) is { } unfit)
        {
            return new BenchOutcome(OfColdStarts(clock, new ColdStarts(setup), NoMeter) with { Reason = $"inconclusive: not measured: {unfit}" }, new RawMeasurement());
        }
        ColdStarts coldStarts = new(setup);
        await coldStarts.RunAsync(cancellationToken).ConfigureAwait(false);
        if (_job.Looks.Count == 0)
        {
            return new BenchOutcome(OfColdStarts(clock, coldStarts, NoMeter), new RawMeasurement());
        }

        using EnergyPhase energy = new(setup, files);
        energy.Start();
        using ProcessorChoice processors = new(_job, files);
        await using HostPair pair = await HostPair.StartAsync(setup, processors, IsOneAtATime(coldStarts), cancellationToken).ConfigureAwait(false);
        await energy.MeasureRestBeforeAsync(cancellationToken).ConfigureAwait(false);
        setup.Report("loading", 0);
        await pair.LoadAnewAsync(_job.Session, cancellationToken).ConfigureAwait(false);
        OutputEvidence? outputs = await OutputComparison.RunAsync(setup, pair, _warnings, cancellationToken).ConfigureAwait(false);

        WarmUp warmUp = new(setup, pair);
        await warmUp.RunAsync(cancellationToken).ConfigureAwait(false);

        using DeviceWatch watch = new(files, _job.Session.Provider, MeterHardware.Of(files).OpenMailbox());
        TimeSpan cell = TimeSpan.FromMilliseconds(_job.CellMs);
        CellPlan plan = CellPlan.Of(_job, cell > energy.ShortestCell ? cell : energy.ShortestCell, energy.Lead, warmUp, clock);
        BlockPhase blocks = new(setup, pair, processors, watch, energy, plan);
        BenchDecision decision = new(_job, coldStarts, warmUp, energy);
        await decision.MeasureAsync(blocks, cancellationToken).ConfigureAwait(false);

        TailPhase tail = new(setup, pair);
        await tail.RunAsync(cancellationToken).ConfigureAwait(false);
        CounterEvidence counters = await new CounterPhase(setup, pair, plan).RunAsync(cancellationToken).ConfigureAwait(false);
        await pair.UnloadAsync(cancellationToken).ConfigureAwait(false);
        await energy.MeasureRestAfterAsync(cancellationToken).ConfigureAwait(false);
        processors.Dispose(); // the sweep's hosts would inherit where this process stepped aside to
        IReadOnlyList<SweepResult> sweep = await new SweepPhase(setup).RunAsync(cancellationToken).ConfigureAwait(false);

        if (blocks.Blocks.SelectMany(block => block.Cells).FirstOrDefault(measured => measured.Reply.MarkFault is not null) is { } unmarked)
        {
            _warnings.Add($"the line '{_job.Marker}' did not fall at every edge, so an analyser's trace cannot be cut by it: {unmarked.Reply.MarkFault}");
        }
        setup.Report("done", 1);
        Block[] valid = [.. blocks.Valid];
        BenchEvidence cold = OfColdStarts(clock, coldStarts, energy.Fingerprint, pair.Sessions);
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
            Energy = energy.Evidence(valid, decision.Alpha, _warnings),
            Counters = counters,
            Outputs = outputs,
            Environment = watch.Describe(cold.Environment with
            {
                Steady = warmUp.IsSteady,
                WarmUp = warmUp.Reason,
                BaselineBatch = plan.BaselineBatch,
                CandidateBatch = plan.CandidateBatch,
                Unwatched = gate.Unchecked,
            }),
            Sweep = sweep,
            Blocks = valid.Length,
            DiscardedBlocks = blocks.Disturbed,
            BlockRecords = [.. blocks.Blocks.Select(block => block.ToRecord(energy.LogRatioOf(block)))],
        };
        return new BenchOutcome(evidence, Raw(blocks, tail) with { Power = energy.Trace(begun) });
    }

    /// <summary>Whether memory does not allow both at once, by what each took alone.</summary>
    private bool IsOneAtATime(ColdStarts coldStarts)
    {
        double needed = setup.Models.Sum(model => coldStarts.MemoryOf(model)?.Peak.Value ?? 0);
        Headroom headroom = Headroom.Of(DeviceMemory.Read(files).Available, (long)needed);
        if (!setup.IsPaired || headroom.State == HeadroomState.Enough)
        {
            return false;
        }
        if (headroom.State == HeadroomState.Unknown)
        {
            // The hosts are the first that the kernel ends when memory runs out, so what serves is safe either way.
            _warnings.Add($"both models are loaded although {headroom.Reason}");
            return false;
        }
        _warnings.Add($"unpaired: both models do not fit at once, so one is freed before the other runs: {headroom.Reason}");
        return true;
    }

    /// <summary>What there is to say before the first block, and all where none is asked for.</summary>
    private BenchEvidence OfColdStarts(ClockCheck clock, ColdStarts coldStarts, string meter, int sessions = 0) => new()
    {
        Verdict = Verdict.Inconclusive.Word(),
        Difference = Difference.None.Word(),
        Reason = "no block was measured",
        Latency = new LatencyEvidence { Margin = _job.LatencyMargin, Candidate = LatencyFigures.Of(MeasuredModel.Candidate, [], []) },
        Memory = MemoryFigures.Of(_job, coldStarts),
        Energy = EnergyEvidence.Absent("no block was measured"),
        Counters = CounterEvidence.Absent("no block was measured"),
        ColdStart = coldStarts.Evidence,
        Environment = new EnvironmentEvidence { TimerNanos = clock.CostNanos, TimerResolutionNanos = clock.ResolutionNanos },
        Condition = _job.Condition,
        Blocks = 0,
        Fingerprint = Fingerprint.Of(_job, files, sessions, meter),
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
