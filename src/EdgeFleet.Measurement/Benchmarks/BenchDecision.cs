using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Verdicts;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Measures to the next look, judges, and goes on where more blocks could decide it.</summary>
internal sealed class BenchDecision(BenchJob job, ColdStarts coldStarts, WarmUp warmUp, EnergyPhase energy)
{
    private readonly GroupSequential _plan = PlanOf(job.Looks);
    private BlockVerdict? _verdict;

    public string Verdict => (_verdict?.Verdict ?? Verdicts.Verdict.Inconclusive).Word();

    public string Difference => (_verdict?.Difference ?? Verdicts.Difference.None).Word();

    public string Reason { get; private set; } = "no baseline was given to compare with";

    /// <summary>Null for one model alone.</summary>
    public MetricVerdict? Latency => _verdict?.Primary;

    /// <summary>Two-sided level of the intervals.</summary>
    public double Alpha => _plan.Alpha;

    public int Looks { get; private set; }

    /// <summary>12, 20 and 30 blocks share the level; any one number is looked at once.</summary>
    /// <exception cref="ArgumentException">Another plan: its level would not be known.</exception>
    public static GroupSequential PlanOf(IReadOnlyList<int> looks) =>
        looks.SequenceEqual(GroupSequential.Standard.Looks) ? GroupSequential.Standard
        : looks is [var blocks] ? GroupSequential.OneLook(blocks)
        : throw new ArgumentException($"looks [{string.Join(", ", looks)}]: possible are [{string.Join(", ", GroupSequential.Standard.Looks)}] or one number");

    public async Task MeasureAsync(BlockPhase blocks, CancellationToken cancellationToken)
    {
        string? note = null;
        foreach (int look in _plan.Looks)
        {
            await blocks.MeasureUntilAsync(look, note, cancellationToken).ConfigureAwait(false);
            if (job.BaselinePath is null)
            {
                Reason += blocks.IsUnstable ? $"; {Unstable(blocks)}" : "";
                return; // nothing to decide, and the first look's blocks are enough for its own figures
            }
            Looks++;
            _verdict = Judge(blocks);
            Reason = _verdict.Sentence;
            note = Reason;
            if (_verdict is not { GoOn: true } || blocks.IsUnstable)
            {
                return;
            }
        }
    }

    private BlockVerdict Judge(BlockPhase blocks)
    {
        double[] ratios = blocks.LogRatios;
        List<MetricBlocks> metrics = [MetricBlocks.Measured("latency", ratios, job.LatencyMargin), MemoryMetric()];
        if (job.EnergyMargin is { } margin)
        {
            IReadOnlyList<double> energies = energy.LogRatiosOf([.. blocks.Valid]);
            metrics.Add(energies.Count > 0 ? MetricBlocks.Measured("energy", energies, margin) : MetricBlocks.Absent("energy", energy.AbsentReason, margin, required: true));
        }
        return BlockVerdict.Of(_plan.At(ratios.Length), metrics, new Soundness(NotSteady, blocks.IsUnstable ? Unstable(blocks) : null));
    }

    /// <summary>A device that serves is never steady, and both models share what it does meanwhile.</summary>
    private string? NotSteady => job.Condition == BenchCondition.Quiet && !warmUp.IsSteady ? warmUp.Reason : null;

    private MetricBlocks MemoryMetric()
    {
        ModelMemory? baseline = coldStarts.MemoryOf(MeasuredModel.Baseline), candidate = coldStarts.MemoryOf(MeasuredModel.Candidate);
        return baseline?.Peak.Value is { } before && candidate?.Peak.Value is { } after
            ? MetricBlocks.Once("peak memory", before, after, job.MemoryMargin)
            : MetricBlocks.Absent("peak memory", candidate?.Peak.Reason ?? baseline?.Peak.Reason ?? "no cold start was asked for", job.MemoryMargin, required: true);
    }

    private static string Unstable(BlockPhase blocks)
    {
        IEnumerable<string> causes = blocks.Blocks.SelectMany(block => block.Causes).CountBy(cause => cause).OrderByDescending(cause => cause.Value)
            .Select(cause => string.Create(CultureInfo.InvariantCulture, $"{cause.Key} in {cause.Value}"));
        return $"{blocks.Disturbed} of {blocks.Blocks.Count} blocks were disturbed: {string.Join(", ", causes)}";
    }
}
