using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Tests.Specs;

/// <summary>Holds the schemas that editors use against what the readers really accept, key by key.</summary>
public sealed class SchemaTests
{
    [Fact]
    public void The_policy_schema_lists_the_keys_bounds_and_defaults_of_the_reader()
    {
        Assert.Equal(OfReader("Policy", "spec: {}"), OfSchema("policy"));
    }

    [Fact]
    public void The_rollout_schema_lists_the_keys_bounds_and_defaults_of_the_reader()
    {
        string everyStage = """
            spec:
              model: m
              candidate: sha256:0000000000000000000000000000000000000000000000000000000000000000
              policySpec: {}
              stages: [bench, shadow, canary, ramp, full]
            """;

        Assert.Equal(OfReader("Rollout", everyStage), OfSchema("rollout"));
    }

    [Theory, InlineData("policy"), InlineData("rollout")]
    public void Every_mapping_of_a_schema_is_closed(string name)
    {
        List<JsonObject> open = [.. Objects(Load(name)).Where(o => TypeOf(o).Contains("object", StringComparison.Ordinal) && o["additionalProperties"]?.GetValue<bool>() != false)];

        Assert.Empty(open);
    }

    [Theory, InlineData("policy"), InlineData("rollout")]
    public void Every_key_of_a_spec_is_described(string name)
    {
        JsonObject spec = (JsonObject)Load(name)["properties"]!["spec"]!;

        Assert.All(Objects(spec).Where(o => o["properties"] is JsonObject && o["description"] is not null), parent =>
            Assert.All((JsonObject)parent["properties"]!, p => Assert.NotNull(p.Value!["description"])));
    }

    private static List<string> OfReader(string kind, string spec)
    {
        SpecReaderLog log = new();
        SpecFile.Parse($"apiVersion: {SpecFile.ApiVersion}\nkind: {kind}\nmetadata: {{ name: n }}\n{spec}", log);
        Assert.Empty(log.Errors);
        IEnumerable<string> lines = log.Shapes
            .Select(s => s with { Path = s.Path.StartsWith("spec.stages[", StringComparison.Ordinal) ? "spec.stages[]" + s.Path[s.Path.IndexOf(']')..][1..] : s.Path })
            .Select(s => Line(
                s.Path, s.Type, s.Minimum, s.Maximum,
                s.Path == "kind" ? [kind] : s.Allowed,
                s.Type is "object" or "array" || (s.Default is string { Length: 0 } && s.Path != "spec.selector") ? null : s.Default,
                s.Required));
        return [.. lines.Distinct().Order(StringComparer.Ordinal)];
    }

    private static List<string> OfSchema(string name)
    {
        List<string> lines = [];
        Walk(Load(name), "", lines);
        return [.. lines.Distinct().Order(StringComparer.Ordinal)];
    }

    private static void Walk(JsonObject schema, string path, List<string> lines)
    {
        // Which stage a mapping is, is told by its only key; the reader asks for it in another way.
        List<string> required = path.EndsWith("[]", StringComparison.Ordinal) ? [] : [.. (schema["required"] as JsonArray ?? []).Select(r => (string)r!)];
        foreach ((string key, JsonNode? node) in schema["properties"] as JsonObject ?? [])
        {
            JsonObject property = Resolve((JsonObject)node!);
            string at = path.Length == 0 ? key : $"{path}.{key}";
            IReadOnlyList<string>? allowed = property["const"] is { } only ? [(string)only!]
                : property["enum"] is JsonArray several ? [.. several.Select(v => (string)v!)]
                : null;
            lines.Add(Line(at, TypeOf(property), Number(property["minimum"]), Number(property["maximum"]), allowed, Default(property["default"]), required.Contains(key)));
            Walk(property, at, lines);
            foreach (JsonNode? stage in property["items"]?["oneOf"] as JsonArray ?? [])
            {
                Walk((JsonObject)stage!["oneOf"]![1]!, $"{at}[]", lines);
            }
        }
    }

    private static JsonObject Resolve(JsonObject property) =>
        (string?)property["$ref"] == "policy.schema.json#/properties/spec" ? (JsonObject)Load("policy")["properties"]!["spec"]! : property;

    private static string Line(string path, string type, double? minimum, double? maximum, IReadOnlyList<string>? allowed, object? fallback, bool required) =>
        string.Create(CultureInfo.InvariantCulture, $"{path} {type}{(required ? " required" : "")} {minimum}..{maximum} [{string.Join(',', allowed ?? [])}] = {fallback}");

    private static string TypeOf(JsonObject schema) => schema["type"] is JsonArray several ? string.Join('|', several) : (string?)schema["type"] ?? "";

    private static double? Number(JsonNode? node) => node?.GetValue<double>();

    private static object? Default(JsonNode? node) => node?.GetValueKind() switch
    {
        null => null,
        System.Text.Json.JsonValueKind.Number => node.GetValue<double>(),
        System.Text.Json.JsonValueKind.True => true,
        System.Text.Json.JsonValueKind.False => false,
        _ => (string)node!,
    };

    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => Objects(p.Value)).Prepend(o),
        JsonArray a => a.SelectMany(Objects),
        _ => [],
    };

    private static JsonObject Load(string name) => (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Join(FleetFiles.Folder, "schemas", $"{name}.schema.json")))!;
}
