using System.Text.Json;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Inference;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>A device's state folder in which a model is active, as the supervisor would have written it.</summary>
internal static class ServedState
{
    public static void Write(string folder, string model, string path)
    {
        byte[] onnx = File.ReadAllBytes(path);
        using LoadedModel loaded = LoadedModel.Load(path);
        ArtifactManifest manifest = new()
        {
            Model = model,
            Files = [new ArtifactFile("model.onnx", onnx.Length, Digest.Of(onnx), ArtifactRole.Model)],
            EntryPoint = "model.onnx",
            Contract = loaded.Contract,
        };
        byte[] payload = manifest.ToBytes();
        Digest digest = Digest.Of(payload);
        string artifact = Path.Join(folder, "artifacts", digest.Hex);
        Directory.CreateDirectory(Path.Join(artifact, "files"));
        File.WriteAllBytes(Path.Join(artifact, "files", "model.onnx"), onnx);
        using ReleaseKey key = ReleaseKey.Create();
        File.WriteAllBytes(Path.Join(artifact, "manifest.dsse.json"), DsseEnvelope.Sign(ArtifactManifest.PayloadType, payload, key).ToBytes());
        string slots = Path.Join(folder, "models", model);
        Directory.CreateDirectory(slots);
        ModelSlots active = new() { Model = model, Generation = 1, Active = digest };
        File.WriteAllBytes(Path.Join(slots, "slots.json"), StateFile.Seal(JsonSerializer.SerializeToUtf8Bytes(active, SlotsJsonContext.Default.ModelSlots)));
    }
}
