using EdgeFleet.Agent.Trials;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class AnswerRowsTests
{
    [Fact]
    public void Scores_become_probabilities_by_a_softmax_and_probabilities_stay_what_they_are()
    {
        Tensor scores = Tensor.Of("y", [2, 2], 0, MathF.Log(3), 5, 5);
        Assert.False(AnswerRows.AreProbabilities(scores));
        AnswerRows soft = AnswerRows.Of(scores, probabilities: false)!;
        Assert.Equal([1, 0], soft.Top1);
        Assert.Equal((0.75, 0.5), (soft.Confidence(0), soft.Confidence(1)));
        Assert.Equal(0.0625, soft.Brier(0, 1), 6);

        Tensor shares = Tensor.Of("y", [1, 2], 0.25f, 0.75f);
        Assert.True(AnswerRows.AreProbabilities(shares));
        Assert.Equal(0.75, AnswerRows.Of(shares, probabilities: true)!.Confidence(0));
    }

    [Fact]
    public void Probabilities_of_an_int8_model_may_add_up_to_a_little_more_or_less()
    {
        Tensor rounded = Tensor.Of("y", [1, 3], 241 / 256f, 9 / 256f, 2 / 256f); // 252 of 256
        Assert.True(AnswerRows.AreProbabilities(rounded));
        Assert.Equal(241 / 252f, AnswerRows.Of(rounded, probabilities: true)!.Confidence(0), 6);
        Assert.Equal(0.5, AnswerRows.Of(Tensor.Of("y", [1, 2], 0, 0), probabilities: true)!.Confidence(0)); // all rounded away
    }

    [Fact]
    public void Integers_name_a_class_and_say_nothing_of_how_sure_they_are()
    {
        AnswerRows rows = AnswerRows.Of(Tensor.Of<byte>("y", [1, 3], [1, 9, 2]), probabilities: false)!;
        Assert.Equal((1, false), (rows.Top1.Single(), rows.HasScores));
        Assert.Null(AnswerRows.AreProbabilities(Tensor.Of<byte>("y", [1, 3], [1, 9, 2])));
    }

    [Fact]
    public void Halves_and_doubles_are_scores_too()
    {
        Assert.Equal(0.75, AnswerRows.Of(Tensor.Of<Half>("y", [1, 2], [(Half)0.25, (Half)0.75]), probabilities: true)!.Confidence(0));
        Assert.Equal(0.75, AnswerRows.Of(Tensor.Of<double>("y", [1, 2], [0.25, 0.75]), probabilities: true)!.Confidence(0));
    }

    [Fact]
    public void What_is_no_answer_of_classes_says_nothing()
    {
        Assert.Null(AnswerRows.Of(Tensor.Of("y", [4, 1], 1, 2, 3, 4), probabilities: false)); // a value, not a choice
        Assert.Null(AnswerRows.Of(Tensor.Of<float>("y", [1025, 2], new float[2050]), probabilities: false)); // a picture
        Assert.Null(AnswerRows.Of(Tensor.Of("y", [0, 2]), probabilities: false));
        AnswerRows noNumber = AnswerRows.Of(Tensor.Of("y", [1, 2], float.NaN, 1), probabilities: false)!;
        Assert.Equal((-1, false), (noNumber.Top1[0], noNumber.HasScores));
    }
}
