using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Compression.Passes;
using EdgeFleet.Core;
using EdgeFleet.Evaluation.Documents;

namespace EdgeFleet.Compression.Recipes;

/// <summary>One step of a recipe.</summary>
public sealed record RecipeStep(ICompressionPass Pass, PassSettings Settings);

/// <summary>
/// The passes that make a variant (<c>kind: Recipe</c>). The digest is of the meaning, with defaults filled in: two files
/// that ask for the same have the same digest.
/// </summary>
public sealed class Recipe
{
    private const int DefaultCalibrationRows = 256;

    private Recipe(string name, int seed, TargetProfile target, string calibrationSplit, int calibrationRows, IReadOnlyList<RecipeStep> steps)
    {
        Name = name;
        Seed = seed;
        Target = target;
        CalibrationSplit = calibrationSplit;
        CalibrationRows = calibrationRows;
        Steps = steps;
    }

    public string Name { get; }

    /// <summary>Chooses the calibration rows.</summary>
    public int Seed { get; }

    public TargetProfile Target { get; }

    public string CalibrationSplit { get; }

    public int CalibrationRows { get; }

    public IReadOnlyList<RecipeStep> Steps { get; }

    /// <exception cref="DocumentException">The file says something it cannot mean; the message has the line.</exception>
    public static Recipe Load(string path)
    {
        (string name, DocumentMap spec) = DocumentMap.Load(path, "Recipe");
        return From(name, spec);
    }

    public static Recipe Parse(string text, string source)
    {
        (string name, DocumentMap spec) = DocumentMap.Parse(text, source, "Recipe");
        return From(name, spec);
    }

    public Digest Digest() => Core.Digest.Of(JsonSerializer.SerializeToUtf8Bytes(
        new CanonicalRecipe(
            Seed,
            Target.Id,
            CalibrationSplit,
            CalibrationRows,
            [.. Steps.Select(step => new CanonicalStep(step.Pass.Id, new SortedDictionary<string, string>(step.Settings.Values.ToDictionary(), StringComparer.Ordinal)))]),
        RecipeJsonContext.Default.CanonicalRecipe));

    private static Recipe From(string name, DocumentMap spec)
    {
        spec.AllowOnly("seed", "target", "calibration", "passes");
        string split = "calibration";
        int rows = DefaultCalibrationRows;
        if (spec.OptionalMap("calibration") is { } calibration)
        {
            calibration.AllowOnly("split", "rows");
            split = calibration.OptionalText("split") ?? split;
            rows = (int)calibration.Integer("rows", rows, 1, 1_000_000);
        }

        IReadOnlyList<DocumentMap> passes = spec.Maps("passes");
        if (passes.Count == 0)
        {
            throw spec.Error("passes", $"passes is empty; there are: {string.Join(", ", PassCatalog.Ids)}");
        }

        return new Recipe(
            name,
            (int)spec.Integer("seed", 0, 0, int.MaxValue),
            TargetProfile.Find(spec.OptionalChoice("target", "any", [.. TargetProfile.All.Select(profile => profile.Id)])),
            split,
            rows,
            [.. passes.Select(Step)]);
    }

    private static RecipeStep Step(DocumentMap map)
    {
        ICompressionPass pass = PassCatalog.Find(map.Choice("pass", [.. PassCatalog.Ids]));
        map.AllowOnly(["pass", .. pass.Parameters.Select(parameter => parameter.Name)]);
        return new RecipeStep(pass, new PassSettings(pass.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Read(map))));
    }
}

internal sealed record CanonicalRecipe(int Seed, string Target, string CalibrationSplit, int CalibrationRows, IReadOnlyList<CanonicalStep> Passes);

internal sealed record CanonicalStep(string Pass, SortedDictionary<string, string> Parameters);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CanonicalRecipe))]
internal sealed partial class RecipeJsonContext : JsonSerializerContext;
