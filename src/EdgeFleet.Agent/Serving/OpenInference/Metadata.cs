using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>The answers of the protocol that are not inferences, with the protocol's own names.</summary>
internal sealed record ServerMetadata(string Name, string Version, IReadOnlyList<string> Extensions)
{
    public static ServerMetadata Ours { get; } =
        new("edgefleet-agent", typeof(ServerMetadata).Assembly.GetName().Version!.ToString(3), ["binary_tensor_data"]);
}

internal sealed record ModelMetadata(
    string Name, IReadOnlyList<string> Versions, string Platform, IReadOnlyList<TensorMetadata> Inputs, IReadOnlyList<TensorMetadata> Outputs)
{
    /// <exception cref="RequestException">The model is not ready.</exception>
    public static ModelMetadata Of(ServedModel model)
    {
        ActiveSession active = model.Enter();
        try
        {
            return new ModelMetadata(
                model.Name,
                [active.Version],
                // The protocol's own name for a model in ONNX.
                "onnx_onnxv1",
                [.. active.Names.Contract.Inputs.Select(TensorMetadata.Of)],
                [.. active.Names.Contract.Outputs.Select(TensorMetadata.Of)]);
        }
        finally
        {
            active.Leave();
        }
    }
}

internal sealed record ModelReady(string Name, bool Ready);

internal sealed record TensorMetadata(string Name, string Datatype, IReadOnlyList<long> Shape)
{
    public static TensorMetadata Of(TensorSpec spec) => new(spec.Name, spec.ElementType, spec.Shape);
}

internal sealed record ErrorAnswer(string Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(ModelReady))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(LabelsAnswer))]
internal sealed partial class OpenInferenceJsonContext : JsonSerializerContext
{
    /// <summary>Quotes in sentences stay quotes: these answers are read by people and never stand in HTML.</summary>
    public static OpenInferenceJsonContext Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
