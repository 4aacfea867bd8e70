using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Measurement;

namespace EdgeFleet.Agent.Trials;

/// <summary>Both models stay loaded: each sample is compared at once, and timed.</summary>
internal sealed class ResidentModels(ShadowPair pair, SeededCoin coin, double noiseShare) : IShadowModels
{
    public bool Timed => true;

    public IReadOnlyList<ComparedSample> Take(LiveSample sample)
    {
        PairOutcome compared = pair.Compare(sample.Inputs, candidateFirst: coin.Flip());
        return [new ComparedSample(sample.Tags, compared, coin.Chance(noiseShare) ? pair.CompareBaselineWithItself(sample.Inputs) : null)];
    }

    public IReadOnlyList<ComparedSample> Flush() => [];

    public void Dispose() => pair.Dispose();
}
