using System.Text.Json.Nodes;
using EdgeFleet.Compression.Passes;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Documents;
using EdgeFleet.Evaluation.Suites;
using EdgeFleet.Testing;

namespace EdgeFleet.Compression.Tests.Recipes;

/// <summary>Holds the schemas that editors use against what the readers say is allowed.</summary>
public sealed class SchemaTests
{
    private const string Any = "zzz: 1";

    [Theory]
    [InlineData("", "spec: {}\n" + Any)]
    [InlineData("metadata", null)]
    [InlineData("spec", "spec: { zzz: 1 }")]
    public void The_suite_schema_lists_what_the_reader_allows(string path, string? body) =>
        Assert.Equal(Allowed("Suite", body, text => Suite.Parse(text, "f")), Keys(Load("suite"), path));

    [Theory]
    [InlineData("spec", "spec: { zzz: 1 }")]
    [InlineData("spec.calibration", "spec: { calibration: { zzz: 1 } }")]
    public void The_recipe_schema_lists_what_the_reader_allows(string path, string body) =>
        Assert.Equal(Allowed("Recipe", body, text => Recipe.Parse(text, "f")), Keys(Load("recipe"), path));

    [Fact]
    public void The_recipe_schema_lists_every_pass_with_its_parameters_and_defaults()
    {
        JsonArray passes = Load("recipe")["properties"]!["spec"]!["properties"]!["passes"]!["items"]!["oneOf"]!.AsArray();

        Assert.Equal(PassCatalog.Ids, passes.Select(pass => (string)pass!["properties"]!["pass"]!["const"]!).Order(StringComparer.Ordinal));
        foreach (JsonNode? schema in passes)
        {
            JsonObject properties = schema!["properties"]!.AsObject();
            ICompressionPass pass = PassCatalog.Find((string)properties["pass"]!["const"]!);
            Assert.Equal(
                pass.Parameters.Select(parameter => (parameter.Name, parameter.Default)),
                properties.Skip(1).Select(property => (property.Key, property.Value!["default"]?.ToString() ?? "")));
        }
    }

    [Fact]
    public void The_recipe_schema_lists_every_target() =>
        Assert.Equal(
            TargetProfile.All.Select(target => target.Id),
            Load("recipe")["properties"]!["spec"]!["properties"]!["target"]!["enum"]!.AsArray().Select(target => (string)target!));

    [Theory]
    [InlineData("spec", "spec: { zzz: 1 }")]
    [InlineData("spec.preprocessing", "spec: { format: idx, sources: {}, splits: {}, preprocessing: { zzz: 1 } }")]
    [InlineData("spec.sources.*.0", "spec: { format: idx, sources: { a: { zzz: 1 } } }")]
    [InlineData("spec.sources.*.1", "spec: { format: npz, sources: { a: { zzz: 1 } } }")]
    [InlineData("spec.splits.*", "spec: { format: npz, sources: {}, splits: { a: { zzz: 1 } } }")]
    public void The_dataset_schema_lists_what_the_reader_allows(string path, string body)
    {
        using TemporaryFolder folder = new();

        Assert.Equal(Allowed("Dataset", body, text => Dataset.Load(folder.Write("f.yaml", text))), Keys(Load("dataset"), path));
    }

    [Theory, InlineData("suite"), InlineData("recipe"), InlineData("dataset")]
    public void Every_mapping_with_known_keys_is_closed_and_every_key_of_a_spec_is_described(string name)
    {
        JsonNode spec = Load(name)["properties"]!["spec"]!;

        Assert.All(Objects(spec).Where(o => o["properties"] is not null), o => Assert.False((bool)o["additionalProperties"]!));
        Assert.All(
            Objects(spec).Where(o => o["properties"] is not null).SelectMany(o => (JsonObject)o["properties"]!),
            property => Assert.NotNull(property.Value!["description"]));
    }

    /// <summary>A reader that meets an unknown key says which ones it knows.</summary>
    private static string[] Allowed(string kind, string? body, Action<string> read)
    {
        string metadata = body is null ? "{ name: n, zzz: 1 }" : "{ name: n }";
        DocumentException error = Assert.Throws<DocumentException>(
            () => read($"apiVersion: edgefleet.io/v1\nkind: {kind}\nmetadata: {metadata}\n{body ?? "spec: {}"}\n"));
        Assert.Contains("unknown key 'zzz'", error.Message, StringComparison.Ordinal);
        return error.Message[(error.Message.IndexOf("allowed: ", StringComparison.Ordinal) + 9)..].Split(", ");
    }

    private static string[] Keys(JsonNode schema, string path)
    {
        foreach (string step in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            schema = step switch
            {
                "*" => schema["additionalProperties"]!,
                "0" or "1" => schema["oneOf"]![step == "0" ? 0 : 1]!,
                _ => schema["properties"]![step]!,
            };
        }

        return [.. ((JsonObject)schema["properties"]!).Select(property => property.Key)];
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(property => Objects(property.Value)).Prepend(o),
        JsonArray a => a.SelectMany(Objects),
        _ => [],
    };

    private static JsonNode Load(string name) => JsonNode.Parse(File.ReadAllText(Checkout.File($"fleet/schemas/{name}.schema.json")))!;
}
