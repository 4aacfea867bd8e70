using EdgeFleet.Agent.Trials;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>What both models answered to each of the inputs, and what would have been right: for applications that tell later.</summary>
internal sealed class Answers(Tensor[] baseline, Tensor[] candidate, IReadOnlyList<int> labels)
{
    public static Answers Of(string baseline, string candidate, IReadOnlyList<Tensor> inputs) =>
        new(Run(baseline, inputs), Run(candidate, inputs), Dataset.Load(Path.Join(Trace.Example, "dataset.yaml")).Read("test").Labels);

    public int Label(int input) => labels[input];

    /// <summary>The outcome of a pair with answers of its own: who matches a label with them wipes them.</summary>
    public PairOutcome With(PairOutcome outcome, int input) => outcome with
    {
        Baseline = AnswerRows.Of(baseline[input], probabilities: false),
        Candidate = AnswerRows.Of(candidate[input], probabilities: false),
    };

    private static Tensor[] Run(string path, IReadOnlyList<Tensor> inputs)
    {
        using LoadedModel model = LoadedModel.Load(path);
        return [.. inputs.Select(input => model.Run([input])[0])];
    }
}
