using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>Takes the outputs of an inference, in the protocol that asked for them.</summary>
internal interface IInferResponse
{
    void Begin(string model, string version, string? id);

    /// <exception cref="RequestException">The type has no form in this protocol but the binary one.</exception>
    void Add(TensorSpec spec, IReadOnlyList<long> shape, ReadOnlySpan<byte> data, bool binary);

    void End();
}
