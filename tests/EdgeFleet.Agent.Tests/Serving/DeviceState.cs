using System.Text.Json;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Inference;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>A device's state folder as the supervisor would have written it.</summary>
internal sealed class DeviceState : IDisposable
{
    private static readonly ReleaseKey s_key = ReleaseKey.Create();
    private readonly TemporaryFolder _folder = new();

    public string Path => _folder.Path;

    public string this[string relative] => _folder[relative];

    /// <summary>Stores an artifact whose contract is the model's own, unless another is given.</summary>
    public Digest AddArtifact(string model, byte[] onnx, ModelContract? contract = null)
    {
        if (contract is null)
        {
            using LoadedModel loaded = LoadedModel.Load("test model", onnx);
            contract = loaded.Contract;
        }
        ArtifactManifest manifest = new()
        {
            Model = model,
            Files = [new ArtifactFile("model.onnx", onnx.Length, Digest.Of(onnx), ArtifactRole.Model)],
            EntryPoint = "model.onnx",
            Contract = contract,
        };
        byte[] payload = manifest.ToBytes();
        Digest digest = Digest.Of(payload);
        _folder.Write($"artifacts/{digest.Hex}/manifest.dsse.json", DsseEnvelope.Sign(ArtifactManifest.PayloadType, payload, s_key).ToBytes());
        _folder.Write($"artifacts/{digest.Hex}/files/model.onnx", onnx);
        return digest;
    }

    public void Point(string model, Digest active, Digest? previous = null, Digest? golden = null)
    {
        ModelSlots slots = new() { Model = model, Generation = 7, Active = active, Previous = previous, Golden = golden };
        WriteSlots(model, JsonSerializer.SerializeToUtf8Bytes(slots, SlotsJsonContext.Default.ModelSlots));
    }

    /// <summary>Seals and writes a document as the supervisor would.</summary>
    public void WriteSlots(string model, ReadOnlySpan<byte> json) => _folder.Write($"models/{model}/slots.json", StateFile.Seal(json));

    public string Write(string relative, string content) => _folder.Write(relative, content);

    public void Dispose() => _folder.Dispose();
}
