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
    /// <param name="baselines">Models (<see cref="ModelFiles.Identity"/>) that it may have been compared with; none when this is the model's first artifact.</param>
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
            ModelFiles model = ModelFiles.Of(manifest);
            ModelFiles? candidate = FilesOf(root, "candidate");
            if (candidate?.Graph != model.Graph)
            {
                return $"evidence is about candidate {Text(candidate?.Graph)}, not about '{manifest.EntryPoint}' {model.Graph}";
            }
            if (candidate.Identity != model.Identity)
            {
                return $"evidence is about '{manifest.EntryPoint}' with other external data than {string.Join(", ", model.ExternalData.Select(file => $"'{file.Key}' {file.Value}").DefaultIfEmpty("none"))}";
            }
            ModelFiles? compared = FilesOf(root, "baseline");
            if (baselines.Count > 0 && !(compared is not null && baselines.Contains(compared.Identity)))
            {
                string expected = manifest.Baseline is not null
                    ? $"not with {baselines.First()} of artifact {manifest.Baseline}"
                    : $"which is the model file of no published artifact of '{manifest.Model}'";
                return $"evidence compares with baseline {Text(compared?.Graph)}, {expected}";
            }
            if (VerdictOf(root) != "pass")
            {
                return $"the evaluation did not pass: {Failures(root) ?? "it names no criterion"}";
            }
            return Failures(root) is { } failures ? $"evidence says pass and names criteria that were missed: {failures}" : null;
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
            return VerdictOf(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The model that evidence, which was found good, compares with.</summary>
    public static Digest? BaselineOf(string evidence)
    {
        using JsonDocument document = JsonDocument.Parse(evidence);
        return FilesOf(document.RootElement, "baseline")?.Identity;
    }

    private static string? VerdictOf(JsonElement root) => Member(root, "verdict") is { ValueKind: JsonValueKind.String } verdict ? verdict.GetString() : null;

    /// <summary>Null where the evidence does not name the model, or not all of its files.</summary>
    private static ModelFiles? FilesOf(JsonElement root, string name)
    {
        if (Member(root, name) is not { } model || Sha256Of(model) is not { } graph)
        {
            return null;
        }
        Dictionary<string, Digest> external = new(StringComparer.Ordinal);
        if (Member(model, "externalData") is { ValueKind: not JsonValueKind.Null } listed)
        {
            if (listed.ValueKind != JsonValueKind.Array)
            {
                return null;
            }
            foreach (JsonElement entry in listed.EnumerateArray())
            {
                if (Member(entry, "file") is not { ValueKind: JsonValueKind.String } file || Sha256Of(entry) is not { } data || !external.TryAdd(file.GetString()!, data))
                {
                    return null;
                }
            }
        }
        return new ModelFiles(graph, external);
    }

    private static Digest? Sha256Of(JsonElement file) =>
        Member(file, "sha256") is { ValueKind: JsonValueKind.String } sha256 && Digest.TryParse(sha256.GetString(), out Digest digest) ? digest : null;

    private static JsonElement? Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement member) ? member : null;

    private static string Text(Digest? digest) => digest?.ToString() ?? "(none)";

    private static string? Failures(JsonElement root) =>
        Member(root, "failed") is { ValueKind: JsonValueKind.Array } failed && failed.GetArrayLength() > 0
            ? string.Join("; ", failed.EnumerateArray().Take(5).Select(item => item.ToString()))
            : null;
}
