using System.Text;
using System.Text.Json;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Controller.Artifacts;

/// <summary>
/// Whether an evaluation speaks for an artifact: it passed, it is about this very model file, against a baseline that is
/// published, and it is the one whose digest was signed. The controller reads only that much of it; the rest is for people.
/// </summary>
internal static class EvidenceCheck
{
    /// <summary>Null when the evidence carries the artifact; else why not, in one sentence.</summary>
    /// <param name="baselines">Model files that it may have been compared with; none when this is the model's first artifact.</param>
    public static string? Complaint(ArtifactManifest manifest, string? evidence, IReadOnlyCollection<Digest> baselines)
    {
        if (evidence is null)
        {
            return manifest.Baseline is not null
                ? $"no evidence: '{manifest.Model}' {manifest.Version} is a variant of {manifest.Baseline}, so an evaluation against it has to be shown"
                : manifest.Evidence is not null
                ? $"no evidence: {manifest.Evidence} was signed, so it has to be shown"
                // The first of a model has nothing to be compared with: its install is judged by the invariants on the devices.
                : baselines.Count == 0 ? null
                : $"no evidence: '{manifest.Model}' has published artifacts already, so an evaluation against one of them has to be shown";
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
            if (baselines.Count > 0 && !(Sha256Of(root, "baseline") is { } baseline && baselines.Contains(baseline)))
            {
                string expected = manifest.Baseline is not null
                    ? $"not with {baselines.First()} of artifact {manifest.Baseline}"
                    : $"which is the model file of no published artifact of '{manifest.Model}'";
                return $"evidence compares with baseline {Text(Sha256Of(root, "baseline"))}, {expected}";
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

    /// <summary>The model file that evidence, which was found good, compares with.</summary>
    public static Digest? BaselineOf(string evidence)
    {
        using JsonDocument document = JsonDocument.Parse(evidence);
        return Sha256Of(document.RootElement, "baseline");
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
