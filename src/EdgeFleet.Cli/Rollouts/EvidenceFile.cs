using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Rollouts;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>
/// A rollout's verdicts with all that they were computed from, in one file that explains itself on a machine that has never
/// seen the controller. The digests find damage; that somebody wrote the numbers who was entitled to, they do not say.
/// </summary>
internal static class EvidenceFile
{
    public const string Kind = "edgefleet-rollout-evidence";
    private const int SchemaVersion = 1;
    private const string HowToWrite = "'edgefleet rollout export ROLLOUT' writes one";

    public static JsonObject Write(JsonNode rollout, JsonNode explanation, DateTimeOffset now)
    {
        JsonObject about = new() { ["rollout"] = rollout.DeepClone(), ["plan"] = explanation["plan"]?.DeepClone() };
        return new JsonObject
        {
            ["kind"] = Kind,
            ["schemaVersion"] = SchemaVersion,
            ["exportedAt"] = now,
            ["controllerVersion"] = explanation.Text("controllerVersion"),
            ["digest"] = DigestOf(about),
            ["about"] = about,
            ["verdicts"] = new JsonArray([.. explanation.List("verdicts").Select(Entry)]),
        };
    }

    /// <summary>The rollout, and the explanation as the controller would give it, with every verdict computed here.</summary>
    public static (JsonNode Rollout, JsonObject Explanation) Read(string file, string text)
    {
        JsonNode evidence = Checked(file, text);
        JsonNode about = evidence["about"]!;
        JsonArray verdicts = [];
        bool allEqual = true;
        foreach (JsonNode entry in evidence.List("verdicts"))
        {
            JsonObject explained = Explain(file, entry, verdicts.Count + 1);
            allEqual &= explained["recomputedEqual"]?.GetValue<bool>() != false;
            verdicts.Add(explained);
        }
        JsonNode rollout = about["rollout"]!.DeepClone();
        return (rollout, new JsonObject
        {
            ["id"] = rollout.Text("id"),
            ["allEqual"] = allEqual && DigestOf(about) == evidence.Text("digest"),
            ["plan"] = about["plan"]?.DeepClone(),
            ["verdicts"] = verdicts,
            ["controllerVersion"] = evidence.Text("controllerVersion"),
            ["exportedAt"] = evidence.Text("exportedAt"),
            ["damage"] = DigestOf(about) == evidence.Text("digest") ? null : "what the file says about the rollout (state, classes, plan) is not what was exported: its digest differs",
        });
    }

    private static JsonNode Checked(string file, string text)
    {
        JsonNode? evidence;
        try
        {
            evidence = JsonNode.Parse(text);
        }
        catch (JsonException ex)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}' is damaged, or no evidence of a rollout: line {ex.LineNumber + 1} is not JSON; {HowToWrite}", ex);
        }
        if (evidence is not JsonObject || evidence.Text("kind") != Kind)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}' holds no evidence of a rollout: its kind is not {Kind}; {HowToWrite}");
        }
        if (evidence.Number("schemaVersion") != SchemaVersion)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}' has schema {evidence.Text("schemaVersion")}; this build reads schema {SchemaVersion}. The build of controller {evidence.Text("controllerVersion")} reads it");
        }
        return evidence["about"] is JsonObject about && about["rollout"] is JsonObject && evidence["verdicts"] is JsonArray
            ? evidence
            : throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}' is damaged: about.rollout or verdicts is missing; {HowToWrite}");
    }

    private static JsonNode Entry(JsonNode explained)
    {
        JsonObject entry = new() { ["seq"] = explained["seq"]?.DeepClone(), ["input"] = explained["input"]?.DeepClone(), ["verdict"] = explained["verdict"]?.DeepClone() };
        entry["digest"] = DigestOf(entry);
        return entry;
    }

    private static JsonObject Explain(string file, JsonNode entry, int place)
    {
        string which = $"'{file}', verdict {place} (number {entry.Text("seq")})";
        (StoredVerdict stored, Recomputation again) = Recompute(which, entry);
        JsonObject content = new() { ["seq"] = entry["seq"]?.DeepClone(), ["input"] = entry["input"]?.DeepClone(), ["verdict"] = entry["verdict"]?.DeepClone() };
        List<string> differences = [.. again.Differences];
        if (DigestOf(content) != entry.Text("digest"))
        {
            differences.Add(again.Same ? "a word or number that the decision does not rest on was changed after the export: the entry's digest differs" : "the entry was changed after the export: its digest differs");
        }
        JsonObject explained = new() { ["seq"] = entry["seq"]?.DeepClone(), ["verdict"] = entry["verdict"]!.DeepClone(), ["thresholds"] = Thresholds(stored) };
        if (again.NotComparable is { } why && differences.Count == 0)
        {
            explained["notRecomputed"] = why;
            return explained;
        }
        explained["recomputedEqual"] = again.Same && differences.Count == 0;
        explained["differences"] = new JsonArray([.. differences.Select(difference => JsonValue.Create(difference))]);
        return explained;
    }

    private static (StoredVerdict Stored, Recomputation Again) Recompute(string which, JsonNode entry)
    {
        try
        {
            GateInput? input = entry["input"].Deserialize(RolloutsJsonContext.Default.GateInput);
            GateVerdict? verdict = entry["verdict"].Deserialize(RolloutsJsonContext.Default.GateVerdict);
            StoredVerdict stored = new(
                input ?? throw new CommandFailedException(ExitCode.WrongUsage, $"{which}: its input is missing"),
                verdict ?? throw new CommandFailedException(ExitCode.WrongUsage, $"{which}: its verdict is missing"));
            return (stored, Gate.Recompute(stored));
        }
        catch (Exception ex) when (ex is JsonException or ArgumentException or InvalidOperationException or ArithmeticException or IndexOutOfRangeException or FormatException or NullReferenceException)
        {
            // The rules trust what the store holds; a file may hold anything.
            throw new CommandFailedException(ExitCode.WrongUsage, $"{which} is damaged: {ex.Message}", ex);
        }
    }

    private static JsonArray Thresholds(StoredVerdict stored) => stored.Verdict.Metrics.Count == 0 || stored.Input.SchemaVersion != GateInput.CurrentSchemaVersion ? [] :
    [
        .. MetricThreshold.Of(stored.Input.Margins, stored.Input.Calibration, stored.Input.Rules).Select(threshold => new JsonObject
        {
            ["metric"] = JsonNamingPolicy.CamelCase.ConvertName(threshold.Metric.ToString()),
            ["effective"] = threshold.Effective,
            ["margin"] = threshold.Margin,
            ["noise"] = threshold.Noise,
            ["unit"] = threshold.Unit,
        }),
    ];

    // Numbers keep the text that they came with, so white space is all that may change.
    private static string DigestOf(JsonNode content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content.ToJsonString())))}";
}
