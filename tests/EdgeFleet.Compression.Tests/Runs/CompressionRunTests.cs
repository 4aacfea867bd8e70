using System.Text.Json.Nodes;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Compression.Runs;
using EdgeFleet.Core;
using EdgeFleet.Evaluation.Comparisons;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Suites;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Compression.Tests.Runs;

public sealed class CompressionRunTests : IDisposable
{
    private const string Recipe = "passes: [{ pass: fold-batchnorm }, { pass: quantize-static, narrowInputs: quantize }]";
    private readonly TemporaryFolder _folder = new();
    private readonly Dataset _dataset;
    private readonly Compressor _compressor;

    public CompressionRunTests()
    {
        _dataset = RuntimeOracle.NoiseDataset(_folder, [1, 8, 8]);
        _compressor = new Compressor(_folder, _dataset);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_report_says_what_was_made_of_what_and_how()
    {
        _compressor.Compress(ModelBuilder.Classifier().Build(), Recipe);

        JsonNode report = JsonNode.Parse(File.ReadAllBytes(_folder["out/report.json"]))!;
        Assert.Equal(Digest.Of(File.ReadAllBytes(_folder["baseline.onnx"])).ToString(), (string?)report["baseline"]!["sha256"]);
        Assert.Equal(Digest.Of(File.ReadAllBytes(_folder["out/model.onnx"])).ToString(), (string?)report["candidate"]!["sha256"]);
        Assert.Equal(["fold-batchnorm", "quantize-static"], report["passes"]!.AsArray().Select(pass => (string?)pass!["pass"]));
        Assert.Equal("channel", (string?)report["passes"]![1]!["parameters"]!["granularity"]);
        Assert.Equal(["none", "basic", "extended", "all"], report["verification"]!["levels"]!.AsArray().Select(level => (string?)level));
        Assert.StartsWith("onnxruntime 1.", (string?)report["runtime"], StringComparison.Ordinal);
    }

    [Fact]
    public void The_changes_are_told_in_words_with_digests_and_without_times()
    {
        _compressor.Compress(ModelBuilder.Classifier().Build(), Recipe);
        string first = File.ReadAllText(_folder["out/CHANGELOG.md"]);
        _compressor.Compress(ModelBuilder.Classifier().Build(), Recipe);

        Assert.Equal(first, File.ReadAllText(_folder["out/CHANGELOG.md"]));
        Assert.Contains(_compressor.Report.Candidate.Sha256.ToString(), first, StringComparison.Ordinal);
        Assert.Contains("- `c1_node` (Conv): quantized; 8 scale(s)", first, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variant_names_its_baseline_and_recipe_in_its_metadata()
    {
        OnnxModel model = _compressor.Compress(ModelBuilder.Classifier().Build(), Recipe);

        Assert.Equal(
            [("edgefleet.baseline", _compressor.Report.Baseline.Sha256.ToString()), ("edgefleet.recipe", _compressor.Report.Recipe.Digest.ToString())],
            model.Proto.MetadataProps.Select(entry => (entry.Key, entry.Value)));
    }

    [Fact]
    public void A_model_with_weights_beside_it_becomes_one_file()
    {
        ModelBuilder.Classifier().Build().SaveWithExternalData(_folder["big.onnx"], "big.bin", 16);

        CompressionReport report = new CompressionRun(TimeProvider.System).Execute(
            _folder["big.onnx"], Compressor.Recipe(Recipe), _dataset, _folder["out"], null, CancellationToken.None);

        Assert.Empty(OnnxModel.Load(_folder["out/model.onnx"]).ExternalFiles());
        Assert.True(report.Verification.SignalToNoiseDb > 20);
    }

    [Fact]
    public void Weights_that_are_listed_as_inputs_and_nodes_without_names_are_put_in_order()
    {
        ModelBuilder builder = ModelBuilder.Classifier().Input("w1", 8, 1, 3, 3);
        foreach (NodeProto node in builder.Proto.Graph.Node)
        {
            node.Name = "";
        }

        OnnxModel model = _compressor.Compress(builder.Build(), Recipe);

        Assert.Equal(["x"], model.Graph.Input.Select(input => input.Name));
        Assert.Equal(model.Graph.Node.Count, model.Graph.Node.Select(node => node.Name).Distinct().Count());
    }

    [Fact]
    public void A_baseline_that_is_no_model_is_refused_by_name()
    {
        string path = _folder.Write("broken.onnx", "no model");

        Assert.Contains("broken.onnx", Assert.Throws<InvalidModelException>(() => Execute(path)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["out"]));
    }

    [Fact]
    public void A_dataset_with_other_rows_is_refused_with_the_model_and_both_shapes()
    {
        ModelBuilder builder = new ModelBuilder().Input("x", -1, 3, 8, 8).Output("y", -1, 4, 8, 8);
        builder.Weights("w", [4, 3, 1, 1]);
        builder.Node("Conv", ["x", "w"], "y");

        ModelMismatchException error = Assert.Throws<ModelMismatchException>(() => Execute(builder.Save(_folder["three.onnx"])));

        Assert.Contains("model 'three.onnx': input x:FP32[-1,3,8,8] does not take rows of shape [1, 8, 8]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variant_that_answers_with_no_number_is_not_written()
    {
        // A broken baseline under a pass that does not calibrate: only the last step can see it.
        ModelBuilder builder = ModelBuilder.Classifier();
        OnnxModel model = builder.Build();
        new Onnx.Graphs.GraphEditor(model.Graph).Replace(Onnx.Tensors.TensorData.Create("b3", [4], new float[] { 0, float.NaN, 0, 0 }));
        model.Save(_folder["nan.onnx"]);

        CompressionException error = Assert.Throws<CompressionException>(() => new CompressionRun(TimeProvider.System).Execute(
            _folder["nan.onnx"], Compressor.Recipe("passes: [{ pass: fold-batchnorm }]"), _dataset, _folder["out"], null, CancellationToken.None));

        Assert.Contains("answers NaN in output 'y'", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["out"]));
    }

    [Fact]
    public void Chosen_rows_depend_on_the_seed_alone()
    {
        int[] one = CalibrationRows.Choose(1000, 10, 1);

        Assert.Equal(one, CalibrationRows.Choose(1000, 10, 1));
        Assert.NotEqual(one, CalibrationRows.Choose(1000, 10, 2));
        Assert.Equal(one.Order(), one);
        Assert.Equal(10, one.Distinct().Count());
        Assert.Equal([0, 1, 2], CalibrationRows.Choose(3, 10, 1));
    }

    [Fact]
    public void The_examples_recipes_do_to_the_example_what_they_say()
    {
        FashionMnist.Require();
        EvaluationEvidence int8 = Evaluate("int8.yaml", out CompressionReport report);
        EvaluationEvidence harmed = Evaluate("harmed-3bit.yaml", out _);

        Assert.True(int8.Passed, string.Join("; ", int8.Failed));
        Assert.InRange(int8.Metrics.Accuracy.Candidate, 0.912, 0.922);
        Assert.InRange(report.Candidate.SizeBytes, 80_000, 95_000);
        Assert.False(harmed.Passed);
        Assert.InRange(harmed.Metrics.Accuracy.Candidate, 0.2, 0.7);
    }

    [Fact]
    public void Real_models_that_lie_beside_the_repository_keep_their_accuracy()
    {
        if (SharedFiles.Locate("data/fsdd_eval.npz") is not { } rows || SharedFiles.Locate("models/fsdd_dscnn_v1.onnx") is not { } model)
        {
            return;
        }

        Dataset dataset = Dataset.Load(_folder.Write("fsdd.yaml", $$"""
            apiVersion: edgefleet.io/v1
            kind: Dataset
            metadata: { name: fsdd }
            spec:
              format: npz
              sources:
                eval: { file: {{rows}}, inputs: x, labels: y }
                calib: { file: {{rows.Replace("eval", "calib", StringComparison.Ordinal)}}, inputs: x, labels: y }
              splits: { calibration: { source: calib }, test: { source: eval } }
            """));
        new CompressionRun(TimeProvider.System).Execute(model, Compressor.Recipe(Recipe), dataset, _folder["fsdd"], null, CancellationToken.None);

        EvaluationEvidence evidence = new Evaluator(TimeProvider.System).Evaluate(
            model, _folder["fsdd/model.onnx"], new Suite { Name = "s", MaxAccuracyDrop = 0.012 }, dataset, 2, null, CancellationToken.None);

        Assert.Equal(0.9767, evidence.Metrics.Accuracy.Baseline, 4);
        Assert.True(evidence.Passed, string.Join("; ", evidence.Failed));
    }

    private void Execute(string model) => new CompressionRun(TimeProvider.System).Execute(
        model, Compressor.Recipe(Recipe), _dataset, _folder["out"], null, CancellationToken.None);

    private EvaluationEvidence Evaluate(string recipe, out CompressionReport report)
    {
        string example = Checkout.File("fleet/examples/fashion");
        string model = Path.Join(example, "fashion_resnet8.onnx");
        Dataset dataset = Dataset.Load(Path.Join(example, "dataset.yaml"));
        report = new CompressionRun(TimeProvider.System).Execute(
            model, Compression.Recipes.Recipe.Load(Path.Join(example, "recipes", recipe)), dataset, _folder["made"], null, CancellationToken.None);
        return new Evaluator(TimeProvider.System).Evaluate(
            model, _folder["made/model.onnx"], Suite.Load(Path.Join(example, "suite.yaml")), dataset, Environment.ProcessorCount, null, CancellationToken.None);
    }
}
