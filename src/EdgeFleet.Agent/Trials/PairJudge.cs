using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Trials;

/// <summary>Says what two answers to one input show.</summary>
internal sealed class PairJudge
{
    /// <summary>Told by the baseline once, for both: a candidate's rounded probabilities must not be taken for scores.</summary>
    private bool? _probabilities;

    public PairOutcome Compare(SideAnswer baseline, SideAnswer candidate)
    {
        if (baseline.Outputs is not { } right || !baseline.AllFinite)
        {
            return PairOutcome.Failed(PairState.BaselineFailed);
        }
        if (candidate.Outputs is not { } other)
        {
            return PairOutcome.Failed(PairState.CandidateFailed);
        }
        bool wrongShape = right.Zip(other).Any(pair => !pair.Second.Shape.SequenceEqual(pair.First.Shape));
        return new PairOutcome(PairState.Compared, Disagree(right, other), !candidate.AllFinite, wrongShape, baseline.Ticks, candidate.Ticks, Rows(right), Rows(other));
    }

    public PairOutcome CompareBaselineWithItself(SideAnswer first, SideAnswer second) =>
        first is { Outputs: { } one, AllFinite: true } && second.Outputs is { } other
            ? new PairOutcome(PairState.Compared, Disagree(one, other), false, false, first.Ticks, second.Ticks, Rows(one), Rows(other))
            : PairOutcome.Failed(PairState.BaselineFailed);

    /// <summary>Whether the first output names other labels. An answer that is no number names none, and so differs.</summary>
    private static bool Disagree(IReadOnlyList<Tensor> one, IReadOnlyList<Tensor> other) =>
        !one[0].Shape.SequenceEqual(other[0].Shape) || !TensorChecks.SameLabels(one[0].ElementType, one[0].Shape, one[0].Data.Span, other[0].Data.Span);

    private AnswerRows? Rows(IReadOnlyList<Tensor> outputs)
    {
        _probabilities ??= AnswerRows.AreProbabilities(outputs[0]);
        return AnswerRows.Of(outputs[0], _probabilities ?? false);
    }
}
