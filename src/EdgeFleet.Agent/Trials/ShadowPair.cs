using System.Diagnostics;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Trials;

/// <summary>What one input showed.</summary>
internal enum PairState
{
    /// <summary>Both answered.</summary>
    Compared,
    /// <summary>The input is of no use: the baseline did not answer it, or with what is no number. That is the input's doing.</summary>
    BaselineFailed,
    CandidateFailed,
}

/// <summary>One input on both models.</summary>
/// <param name="BaselineTicks">Stopwatch ticks of the baseline's run; the candidate's likewise.</param>
/// <param name="Baseline">What the answers say of classes; null where they say nothing.</param>
internal readonly record struct PairOutcome(
    PairState State, bool Disagrees, bool NonFinite, bool WrongShape, long BaselineTicks, long CandidateTicks, AnswerRows? Baseline = null, AnswerRows? Candidate = null);

/// <summary>
/// Baseline and candidate side by side in this worker. An input runs on one after the other in the order that a coin says:
/// with a fixed order, whatever the first leaves behind (clocks, heat, caches) would be charged to the second.
/// </summary>
internal sealed class ShadowPair(LoadedModel baseline, LoadedModel candidate) : IDisposable
{
    private readonly ShadowSide _baseline = new(baseline);
    private readonly ShadowSide _candidate = new(candidate);
    /// <summary>Told by the baseline once, for both: a candidate's rounded probabilities must not be taken for scores.</summary>
    private bool? _probabilities;

    public PairOutcome Compare(IReadOnlyList<Tensor> inputs, bool candidateFirst)
    {
        ShadowSide first = candidateFirst ? _candidate : _baseline;
        ShadowSide second = candidateFirst ? _baseline : _candidate;
        bool firstRan = first.TryRun(inputs);
        bool secondRan = second.TryRun(inputs);
        (bool baselineRan, bool candidateRan) = candidateFirst ? (secondRan, firstRan) : (firstRan, secondRan);
        if (!baselineRan || !_baseline.AllFinite)
        {
            return new PairOutcome(PairState.BaselineFailed, false, false, false, 0, 0);
        }
        if (!candidateRan)
        {
            return new PairOutcome(PairState.CandidateFailed, false, false, false, 0, 0);
        }
        bool wrongShape = _baseline.Outputs.Zip(_candidate.Outputs).Any(pair => !pair.Second.Shape.SequenceEqual(pair.First.Shape));
        return new PairOutcome(
            PairState.Compared, _baseline.Disagrees(_candidate.Outputs), !_candidate.AllFinite, wrongShape, _baseline.Ticks, _candidate.Ticks,
            Rows(_baseline.Outputs), Rows(_candidate.Outputs));
    }

    /// <summary>The baseline twice: how often it disagrees with itself, and how much its latency varies, is what noise can do.</summary>
    public PairOutcome CompareBaselineWithItself(IReadOnlyList<Tensor> inputs)
    {
        if (!_baseline.TryRun(inputs) || !_baseline.AllFinite)
        {
            return new PairOutcome(PairState.BaselineFailed, false, false, false, 0, 0);
        }
        IReadOnlyList<Tensor> outputs = _baseline.Outputs;
        long ticks = _baseline.Ticks;
        return _baseline.TryRun(inputs)
            ? new PairOutcome(PairState.Compared, _baseline.Disagrees(outputs), false, false, ticks, _baseline.Ticks, Rows(outputs), Rows(_baseline.Outputs))
            : new PairOutcome(PairState.BaselineFailed, false, false, false, 0, 0);
    }

    private AnswerRows? Rows(IReadOnlyList<Tensor> outputs)
    {
        _probabilities ??= AnswerRows.AreProbabilities(outputs[0]);
        return AnswerRows.Of(outputs[0], _probabilities ?? false);
    }

    public void Dispose()
    {
        baseline.Dispose();
        candidate.Dispose();
    }

    private sealed class ShadowSide(LoadedModel model)
    {
        public IReadOnlyList<Tensor> Outputs { get; private set; } = [];

        public long Ticks { get; private set; }

        public bool AllFinite => Outputs.All(output => TensorChecks.AllFinite(output.ElementType, output.Data.Span));

        public bool TryRun(IReadOnlyList<Tensor> inputs)
        {
            try
            {
                long start = Stopwatch.GetTimestamp();
                Outputs = model.Run(inputs);
                Ticks = Stopwatch.GetTimestamp() - start;
                return true;
            }
            catch (InferenceException)
            {
                // Counted by the caller; the worker goes on with the next input.
                return false;
            }
        }

        /// <summary>Whether the first output names other labels. An answer that is no number names none, and so differs.</summary>
        public bool Disagrees(IReadOnlyList<Tensor> other) =>
            !Outputs[0].Shape.SequenceEqual(other[0].Shape)
            || !TensorChecks.SameLabels(Outputs[0].ElementType, Outputs[0].Shape, Outputs[0].Data.Span, other[0].Data.Span);
    }
}
