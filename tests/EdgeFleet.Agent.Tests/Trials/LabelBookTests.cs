using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class LabelBookTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<string> _seen = [];
    private readonly LabelBook _book;

    public LabelBookTests() => _book = new LabelBook(
        (answers, label) => _seen.Add($"{answers.Id}: {answers.Baseline.Top1[0]} {answers.Candidate.Top1[0]} is {label.Classes[0]}"),
        (reason, count) => _seen.Add($"{reason} {count}"),
        _time);

    [Fact]
    public void A_label_finds_its_answers_once_before_and_after_they_were_compared()
    {
        _book.Keep(Answers("late", 0, 1));
        _book.Take(new PostedLabel("late", [1]));
        _book.Take(new PostedLabel("late", [1]));
        _book.Take(new PostedLabel("early", [0]));
        _book.Take(new PostedLabel("early", [0]));
        _book.Keep(Answers("early", 1, 0));

        Assert.Equal(["late: 0 1 is 1", "twice 1", "twice 1", "early: 1 0 is 0"], _seen);
    }

    [Fact]
    public void A_label_of_a_request_that_was_not_compared_is_unknown_after_a_minute()
    {
        _book.Take(new PostedLabel("nobody", [1]));
        _time.Advance(LabelBook.LongestEarly - TimeSpan.FromSeconds(1));
        _book.Expire();
        Assert.Empty(_seen);

        _time.Advance(TimeSpan.FromSeconds(1));
        _book.Expire();
        Assert.Equal(["unknown 1"], _seen);
    }

    [Fact]
    public void Answers_are_forgotten_after_a_day_and_wiped_and_their_label_is_late()
    {
        KeptAnswers answers = Answers("old", 0, 1);
        _book.Keep(answers);
        _time.Advance(LabelBook.LongestKept);
        _book.Take(new PostedLabel("old", [1]));

        Assert.Equal(["late 1"], _seen);
        Assert.Equal((0, 0), (answers.Baseline.Confidence(0), answers.Candidate.Confidence(0)));
    }

    [Fact]
    public void The_oldest_answers_go_when_there_are_too_many_or_they_are_too_large()
    {
        for (int i = 0; i <= LabelBook.MaximumKept; i++)
        {
            _book.Keep(Answers($"r{i}", 0, 0));
        }
        _book.Take(new PostedLabel("r0", [0]));
        _book.Take(new PostedLabel("r1", [0]));
        Assert.Equal(["late 1", "r1: 0 0 is 0"], _seen);

        _seen.Clear();
        int large = (int)(LabelBook.MaximumBytes / sizeof(float) / 16);
        for (int i = 0; i < 9; i++)
        {
            _book.Keep(Answers($"large{i}", 0, 0, classes: large));
        }
        _book.Take(new PostedLabel("large0", [0]));
        _book.Take(new PostedLabel("large8", [0]));
        Assert.Equal(["late 1", "large8: 0 0 is 0"], _seen);
    }

    [Fact]
    public void An_id_of_two_requests_names_neither()
    {
        _book.Keep(Answers("same", 0, 1));
        _book.Keep(Answers("same", 1, 1));
        _book.Keep(Answers("same", 2, 1));
        _book.Take(new PostedLabel("same", [1]));
        _book.Take(new PostedLabel("same", [1]));
        Assert.Equal(["ambiguous 1", "ambiguous 1"], _seen);
    }

    [Fact]
    public void An_id_that_is_used_again_after_its_label_is_a_new_request()
    {
        _book.Keep(Answers("a", 0, 1));
        _book.Take(new PostedLabel("a", [0]));
        _book.Keep(Answers("a", 1, 1));
        _book.Take(new PostedLabel("a", [2]));
        Assert.Equal(["a: 0 1 is 0", "a: 1 1 is 2"], _seen);
    }

    [Theory, InlineData(3), InlineData(-1), InlineData(0, 1)]
    public void A_label_that_does_not_fit_the_answer_is_named(params int[] classes)
    {
        _book.Keep(Answers("a", 0, 1));
        _book.Take(new PostedLabel("a", classes));
        Assert.Equal(["misfit 1"], _seen);
    }

    [Fact]
    public void A_flood_of_labels_that_belong_to_nothing_is_bounded()
    {
        for (int i = 0; i < LabelBook.MaximumEarly + 5; i++)
        {
            _book.Take(new PostedLabel($"r{i}", [0]));
        }
        Assert.Equal(5, _seen.Count(line => line == "unknown 1"));
    }

    private static KeptAnswers Answers(string id, int baseline, int candidate, int classes = 3) => new(id, Sure(baseline, classes), Sure(candidate, classes), []);

    private static AnswerRows Sure(int label, int classes)
    {
        float[] scores = new float[classes];
        scores[label] = 1;
        return AnswerRows.Of(Tensor.Of<float>("y", [1, classes], scores), probabilities: true)!;
    }
}
