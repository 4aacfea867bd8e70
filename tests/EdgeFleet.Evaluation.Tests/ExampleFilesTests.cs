using EdgeFleet.Core;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Suites;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;

namespace EdgeFleet.Evaluation.Tests;

/// <summary>What the repository gives a user to copy is true and can be read.</summary>
public sealed class ExampleFilesTests
{
    [Theory, InlineData("fashion_resnet8.onnx"), InlineData("fashion_resnet8_v2.onnx")]
    public void The_model_card_names_the_digest_of_each_file(string model) => Assert.Contains(
        Digest.Of(File.ReadAllBytes(Checkout.File($"fleet/examples/fashion/{model}"))).Hex,
        File.ReadAllText(Checkout.File("fleet/examples/fashion/MODEL_CARD.md")),
        StringComparison.Ordinal);

    [Fact]
    public void Every_suite_and_dataset_in_the_repository_can_be_read()
    {
        string[] files = [.. Directory.EnumerateFiles(Checkout.File("fleet"), "*.yaml", SearchOption.AllDirectories)];
        string[] suites = [.. files.Where(file => File.ReadLines(file).Contains("kind: Suite"))];
        string[] datasets = [.. files.Where(file => File.ReadLines(file).Contains("kind: Dataset"))];

        Assert.True(suites.Length >= 4 && datasets.Length >= 1);
        Assert.All(suites, file => Assert.InRange(Suite.Load(file).MaxAccuracyDrop, 0, 0.05));
        Assert.All(datasets, file => Assert.Contains("test", Dataset.Load(file).Splits));
    }

    [Fact]
    public void The_dataset_file_that_the_guide_shows_can_be_read_and_used()
    {
        using TemporaryFolder folder = new();
        string guide = File.ReadAllText(Checkout.File("fleet/examples/fashion/README.md"));
        string block = guide[(guide.IndexOf("```yaml", StringComparison.Ordinal) + 7)..];
        block = block[..block.IndexOf("```", StringComparison.Ordinal)].Replace("\n   ", "\n", StringComparison.Ordinal);
        folder.Write("eval.npz", DataFiles.Npz(
            ("x", DataFiles.Npy<byte>("|u1", [2, 4, 4, 3], new byte[96])), ("y", DataFiles.Npy<long>("<i8", [2], [0, 1]))));

        DatasetSplit split = Dataset.Load(folder.Write("guide.yaml", block)).Read("test");

        Assert.Equal([3, 4, 4], split.RowShape);
        float[] row = new float[48];
        split.CopyRow(0, row);
        Assert.Equal((float)(-0.485 / 0.229), row[0]);
        Assert.Equal((float)(-0.456 / 0.224), row[16]);
        Assert.Equal((float)(-0.406 / 0.225), row[32]);
    }
}
