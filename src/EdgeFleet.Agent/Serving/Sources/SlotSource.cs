using System.Security.Cryptography;
using System.Text.Json;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Agent.Serving.Sources;

/// <summary>
/// The device's state folder: slots name digests, <c>artifacts/</c> holds their files. The supervisor verified each artifact
/// before it was stored under its digest; what a tired disk made of it since is seen when it is loaded.
/// </summary>
internal sealed class SlotSource(string state) : IModelSource
{
    /// <summary>
    /// A slot that the supervisor has put aside as damaged is about to be made anew from the deployment's record: the model
    /// stays on the list, and what serves goes on serving.
    /// </summary>
    public IReadOnlyList<string> List()
    {
        string models = Path.Join(state, "models");
        if (!Directory.Exists(models))
        {
            return [];
        }
        return [.. Directory.EnumerateDirectories(models)
            .Where(folder => File.Exists(Path.Join(folder, "slots.json")) || File.Exists(Path.Join(folder, "slots.json.bad")))
            .Select(folder => Path.GetFileName(folder)!)
            // A model in file mode is its application's; two sessions of it would only cost memory.
            .Where(model => !File.Exists(Path.Join(state, "file-mode", model + ".json")))
            .Order(StringComparer.Ordinal)];
    }

    public WantedModel Read(string model)
    {
        string path = Path.Join(state, "models", model, "slots.json");
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            if (!StateFile.IsSealed(bytes))
            {
                throw new ModelSourceException($"'{path}': its checksum does not match");
            }
            ModelSlots slots = JsonSerializer.Deserialize(bytes, SlotsJsonContext.Default.ModelSlots)
                ?? throw new ModelSourceException($"'{path}': the document is null");
            return slots.SchemaVersion == ModelSlots.CurrentSchemaVersion
                ? new WantedModel(model, slots.Active, [.. slots.All.Where(digest => digest != slots.Active)])
                : throw new ModelSourceException($"'{path}': schemaVersion {slots.SchemaVersion} is not known; this build reads {ModelSlots.CurrentSchemaVersion}");
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new ModelSourceException($"'{path}': {ex.Message}", ex);
        }
    }

    public ModelFile Find(string model, Digest digest)
    {
        string folder = Path.Join(state, "artifacts", digest.Hex);
        string envelope = Path.Join(folder, "manifest.dsse.json");
        try
        {
            ReadOnlyMemory<byte> payload = DsseEnvelope.Parse(File.ReadAllBytes(envelope)).Payload;
            if (Digest.Of(payload.Span) != digest)
            {
                throw new ModelSourceException($"'{envelope}': digest mismatch, expected {digest}, got {Digest.Of(payload.Span)}");
            }
            ArtifactManifest manifest = ArtifactManifest.FromBytes(payload.Span);
            if (manifest.Model != model)
            {
                throw new ModelSourceException($"'{envelope}': the artifact is for model '{manifest.Model}', not '{model}'");
            }
            foreach (ArtifactFile file in manifest.Files.Where(file => file.Role is ArtifactRole.Model or ArtifactRole.ExternalData))
            {
                RequireWhole(Path.Join(folder, "files", file.Path), file.Sha256);
            }
            return new ModelFile(Path.Join(folder, "files", manifest.EntryPoint), manifest.Contract);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new ModelSourceException($"artifact {digest.Short}: '{envelope}': {ex.Message}", ex);
        }
    }

    private static void RequireWhole(string path, Digest expected)
    {
        if (!File.Exists(path))
        {
            throw new ModelSourceException($"'{path}': there is no such file");
        }
        using FileStream stream = File.OpenRead(path);
        Digest actual = Digest.FromHash(SHA256.HashData(stream));
        if (actual != expected)
        {
            throw new ModelSourceException($"'{path}' is damaged: digest mismatch, expected {expected}, got {actual}");
        }
    }
}
