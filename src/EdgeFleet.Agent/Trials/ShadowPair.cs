using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Baseline and candidate side by side in this worker. An input runs on one after the other in the order that a coin says:
/// with a fixed order, whatever the first leaves behind (clocks, heat, caches) would be charged to the second.
/// </summary>
internal sealed class ShadowPair(LoadedModel baseline, LoadedModel candidate) : IDisposable
{
    private readonly PairJudge _judge = new();

    public PairOutcome Compare(IReadOnlyList<Tensor> inputs, bool candidateFirst)
    {
        SideAnswer first = SideAnswer.Of(candidateFirst ? candidate : baseline, inputs);
        SideAnswer second = SideAnswer.Of(candidateFirst ? baseline : candidate, inputs);
        return candidateFirst ? _judge.Compare(second, first) : _judge.Compare(first, second);
    }

    /// <summary>The baseline twice: how often it disagrees with itself, and how much its latency varies, is what noise can do.</summary>
    public PairOutcome CompareBaselineWithItself(IReadOnlyList<Tensor> inputs) =>
        _judge.CompareBaselineWithItself(SideAnswer.Of(baseline, inputs), SideAnswer.Of(baseline, inputs));

    public void Dispose()
    {
        baseline.Dispose();
        candidate.Dispose();
    }
}
