using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sampling;

namespace EdgeFleet.Agent.Trials;

/// <summary>What one sample showed.</summary>
/// <param name="Noise">The baseline against itself, for the share of samples that it runs on twice.</param>
internal sealed record ComparedSample(SampleTags Tags, PairOutcome Pair, PairOutcome? Noise);

/// <summary>Baseline and candidate, as the device has room for them.</summary>
internal interface IShadowModels : IDisposable
{
    /// <summary>Durations mean something.</summary>
    bool Timed { get; }

    /// <summary>Compares a sample, now or together with later ones.</summary>
    /// <returns>What was compared now.</returns>
    IReadOnlyList<ComparedSample> Take(LiveSample sample);

    /// <summary>Compares what has been put off.</summary>
    IReadOnlyList<ComparedSample> Flush();
}
