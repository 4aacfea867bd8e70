using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Control;

/// <summary>A live input.</summary>
internal sealed record LiveSample(IReadOnlyList<Tensor> Inputs, SampleTags Tags);

/// <summary>Samples as they came from the runner. Their bytes are wiped with it.</summary>
/// <param name="encoded">What the samples' tensors look into.</param>
/// <param name="samples">The samples.</param>
/// <param name="dropped">How many were dropped in the runner since the last call.</param>
internal sealed class SampleBatch(byte[] encoded, IReadOnlyList<LiveSample> samples, long dropped) : IDisposable
{
    public IReadOnlyList<LiveSample> Samples => samples;

    public long Dropped => dropped;

    public void Dispose() => Array.Clear(encoded);
}
