using EdgeFleet.Agent.Trials;
using EdgeFleet.Inference;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class ShadowPairTests
{
    private static readonly IReadOnlyList<Tensor> s_input = [Tensor.Of("x", [1, 2], 1, 2)];

    [Theory, InlineData(true), InlineData(false)]
    public void Another_label_is_a_disagreement_in_either_order(bool candidateFirst)
    {
        using ShadowPair same = Pair(TinyModel.AddBias([0, 0]), TinyModel.AddBias([0.1f, 0]));
        Assert.False(same.Compare(s_input, candidateFirst).Disagrees);

        using ShadowPair flipped = Pair(TinyModel.AddBias([0, 0]), TinyModel.AddBias([9, 0]));
        PairOutcome outcome = flipped.Compare(s_input, candidateFirst);
        Assert.Equal((PairState.Compared, true, false, false), (outcome.State, outcome.Disagrees, outcome.NonFinite, outcome.WrongShape));
        Assert.True(outcome.BaselineTicks > 0 && outcome.CandidateTicks > 0);
    }

    [Fact]
    public void The_baseline_agrees_with_itself()
    {
        using ShadowPair pair = Pair(TinyModel.AddBias([0, 0]), TinyModel.AddBias([9, 0]));
        PairOutcome noise = pair.CompareBaselineWithItself(s_input);
        Assert.Equal((PairState.Compared, false), (noise.State, noise.Disagrees));
    }

    [Fact]
    public void An_answer_that_is_no_number_is_counted_and_disagrees()
    {
        using ShadowPair pair = Pair(TinyModel.AddBias([0, 0]), TinyModel.AddBias([float.NaN, 0]));
        PairOutcome outcome = pair.Compare(s_input, candidateFirst: false);
        Assert.Equal((true, true), (outcome.NonFinite, outcome.Disagrees));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void An_input_that_leads_the_baseline_to_no_number_too_says_nothing_about_the_candidate(bool candidateFirst)
    {
        using ShadowPair pair = Pair(TinyModel.AddBias([0, 0]), TinyModel.AddBias([0, 0]));
        IReadOnlyList<Tensor> noNumber = [Tensor.Of("x", [1, 2], float.NaN, 2)];
        Assert.Equal((PairState.BaselineFailed, false), (pair.Compare(noNumber, candidateFirst).State, pair.Compare(noNumber, candidateFirst).NonFinite));
        Assert.Equal(PairState.BaselineFailed, pair.CompareBaselineWithItself(noNumber).State);
    }

    [Fact]
    public void Inputs_that_only_one_model_takes_are_its_own_failure_or_no_evidence()
    {
        using ShadowPair picky = Pair(TinyModel.AddBias([0, 0], rows: -1), TinyModel.AddBias([0, 0]));
        IReadOnlyList<Tensor> rows = [Tensor.Of("x", [2, 2], 1, 2, 3, 4)];
        Assert.Equal(PairState.CandidateFailed, picky.Compare(rows, candidateFirst: true).State);

        using ShadowPair other = Pair(TinyModel.AddBias([0, 0]), TinyModel.AddBias([0, 0], rows: -1));
        Assert.Equal(PairState.BaselineFailed, other.Compare(rows, candidateFirst: false).State);
        Assert.Equal(PairState.BaselineFailed, other.CompareBaselineWithItself(rows).State);
    }

    [Fact]
    public void Another_shape_is_counted()
    {
        using ShadowPair pair = new(LoadedModel.Load("a", TinyModel.NonZero(4)), LoadedModel.Load("b", TinyModel.NonZero(4)));
        Assert.False(pair.Compare([Tensor.Of("x", [4], 1, 0, 1, 0)], candidateFirst: false).WrongShape);

        using ShadowPair wider = Pair(TinyModel.AddBias([0, 0], rows: -1), TinyModel.AddBias([0, 0, 0], rows: -1));
        Assert.NotEqual(PairState.Compared, wider.Compare(s_input, candidateFirst: false).State);
    }

    private static ShadowPair Pair(byte[] baseline, byte[] candidate) => new(LoadedModel.Load("baseline", baseline), LoadedModel.Load("candidate", candidate));
}
