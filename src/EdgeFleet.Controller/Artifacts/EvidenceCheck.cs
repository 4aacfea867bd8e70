using System.Text;
using System.Text.Json;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Controller.Artifacts;

/// <summary>
/// Whether an evaluation speaks for an artifact: it passed, it is about this very model file, against this very baseline, and
/// it is the one whose digest was signed. The controller reads only that much of it; the rest is for people.
/// </summary>
internal static class EvidenceCheck
{
    /// <summary>Null when the evidence carries the artifact; else why not, in one sentence.</summary>
    public static string? Complaint(ArtifactManifest manifest, string? evidence, Digest? baselineModel)
    {
        if (manifest.Baseline is null)
        {
            // Nothing to compare with: an install is judged by its invariants on the devices.
            return null;
        }
        if (evidence is null)
        {
            return $"no evidence: '{manifest.Model}' {manifest.Version} is a variant of {manifest.Baseline}, so an evaluation against it has to be shown";
        }
        Digest digest = Digest.Of(Encoding.UTF8.GetBytes(evidence));
        if (manifest.Evidence != digest)
        {
            return $"evidence {digest} is not the one that was signed ({manifest.Evidence?.ToString() ?? "the manifest names none"})";
        }
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(evidence);
        }
        catch (JsonException ex)
        {
            return $"evidence: not JSON: {ex.Message}";
        }
        using (document)
        {
            JsonElement root = document.RootElement;
            Digest model = manifest.Files.First(file => file.Path == manifest.EntryPoint).Sha256;
            if (Sha256Of(root, "candidate") != model)
            {
                return $"evidence is about candidate {Text(Sha256Of(root, "candidate"))}, not about '{manifest.EntryPoint}' {model}";
            }
            if (baselineModel is not null && Sha256Of(root, "baseline") != baselineModel)
            {
                return $"evidence compares with baseline {Text(Sha256Of(root, "baseline"))}, not with {baselineModel} of artifact {manifest.Baseline}";
            }
            return root.TryGetProperty("verdict", out JsonElement verdict) && verdict.ValueKind == JsonValueKind.String && verdict.GetString() == "pass"
                ? null
                : $"the evaluation did not pass: {Failures(root)}";
        }
    }

    /// <summary><c>pass</c>, <c>fail</c> or null, for listings.</summary>
    public static string? VerdictOf(string? evidence)
    {
        if (evidence is null)
        {
            return null;
        }
        try
        {
            using JsonDocument document = JsonDocument.Parse(evidence);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("verdict", out JsonElement verdict) && verdict.ValueKind == JsonValueKind.String
                ? verdict.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Digest? Sha256Of(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object
        && root.TryGetProperty(name, out JsonElement model) && model.ValueKind == JsonValueKind.Object
        && model.TryGetProperty("sha256", out JsonElement sha256) && sha256.ValueKind == JsonValueKind.String
        && Digest.TryParse(sha256.GetString(), out Digest digest) ? digest : null;

    private static string Text(Digest? digest) => digest?.ToString() ?? "(none)";

    private static string Failures(JsonElement root) =>
        root.TryGetProperty("failed", out JsonElement failed) && failed.ValueKind == JsonValueKind.Array && failed.GetArrayLength() > 0
            ? string.Join("; ", failed.EnumerateArray().Take(5).Select(item => item.ToString()))
            : "it names no criterion";
}
