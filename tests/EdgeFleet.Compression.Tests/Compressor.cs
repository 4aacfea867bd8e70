using EdgeFleet.Compression.Recipes;
using EdgeFleet.Compression.Runs;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Onnx;
using EdgeFleet.Testing;

namespace EdgeFleet.Compression.Tests;

/// <summary>Runs a recipe of a few lines over a model in memory.</summary>
internal sealed class Compressor(TemporaryFolder folder, Dataset dataset)
{
    public CompressionReport Report { get; private set; } = null!;

    public OnnxModel Compress(OnnxModel model, string spec)
    {
        model.Save(folder["baseline.onnx"]);
        Report = new CompressionRun(TimeProvider.System).Execute(
            folder["baseline.onnx"], Recipe(spec), dataset, folder["out"], null, CancellationToken.None);
        return OnnxModel.Load(folder["out/model.onnx"]);
    }

    public static Recipe Recipe(string spec) => EdgeFleet.Compression.Recipes.Recipe.Parse(
        $"apiVersion: edgefleet.io/v1\nkind: Recipe\nmetadata: {{ name: test }}\nspec:\n  {spec.ReplaceLineEndings("\n  ")}\n", "recipe.yaml");
}
