using System.Text.Json.Nodes;
using EdgeFleet.Core;
using EdgeFleet.Onnx;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Cli.Tests.Models;

public sealed class CompressAndEvaluateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _data;
    private readonly string _suite;

    public CompressAndEvaluateTests()
    {
        _model = _folder["baseline.onnx"];
        SmallTask.Model().Save(_model);
        _data = SmallTask.WriteDataset(_folder);
        _suite = _folder.Write("suite.yaml", """
            apiVersion: edgefleet.io/v1
            kind: Suite
            metadata: { name: small }
            spec: { maxAccuracyDrop: 0.02, minAgreement: 0.97 }
            """);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_variant_is_made_and_passes()
    {
        EdgefleetProcess made = Compress("passes: [{ pass: fold-batchnorm }, { pass: quantize-static }]");
        EdgefleetProcess judged = Evaluate(_folder["out/model.onnx"], "--out", _folder["deep/evidence.json"]);

        Assert.Equal((0, 0), (made.ExitCode, judged.ExitCode));
        string digest = Digest.Of(File.ReadAllBytes(_folder["out/model.onnx"])).ToString();
        Assert.Equal(digest, made.Output.TrimEnd().Split('\n')[^1]);
        Assert.True(File.Exists(_folder["out/report.json"]) && File.Exists(_folder["out/CHANGELOG.md"]));
        Assert.Contains("verdict: pass", judged.Output, StringComparison.Ordinal);
        Assert.Contains("upper left", judged.Output, StringComparison.Ordinal);
        JsonNode evidence = JsonNode.Parse(File.ReadAllText(_folder["deep/evidence.json"]))!;
        Assert.Equal(("pass", digest), ((string?)evidence["verdict"], (string?)evidence["candidate"]!["sha256"]));
    }

    [Fact]
    public void A_harmed_variant_fails_with_exit_code_1_and_its_evidence_is_written_all_the_same()
    {
        // Without votes every class has the same score, and the first one is the answer each time.
        OnnxModel harmed = SmallTask.Model();
        Onnx.Graphs.GraphEditor editor = new(harmed.Graph);
        editor.Replace(Onnx.Tensors.TensorData.Create("w2", [4, 16], new float[64]));
        harmed.Save(_folder["harmed.onnx"]);

        EdgefleetProcess judged = Evaluate(_folder["harmed.onnx"], "--out", _folder["evidence.json"], "-o", "json");

        Assert.Equal(1, judged.ExitCode);
        JsonNode shown = JsonNode.Parse(judged.Output)!;
        Assert.Equal("fail", (string?)shown["verdict"]);
        Assert.StartsWith("maxAccuracyDrop: ", (string?)shown["failed"]![0], StringComparison.Ordinal);
        Assert.Equal(shown.ToJsonString(), JsonNode.Parse(File.ReadAllText(_folder["evidence.json"]))!.ToJsonString());
    }

    [Fact]
    public void Json_is_one_document_and_nothing_else()
    {
        EdgefleetProcess made = Compress("passes: [{ pass: quantize-static }]", "-o", "json");

        Assert.Equal("Compression", (string?)JsonNode.Parse(made.Output)!["kind"]);
        Assert.Equal("", made.Errors);
    }

    [Fact]
    public void In_a_pipe_progress_is_a_line_per_stage_on_standard_error()
    {
        EdgefleetProcess made = Compress("passes: [{ pass: fold-batchnorm }, { pass: quantize-static }]");

        Assert.Equal(["fold-batchnorm …", "quantize-static …", "verify …"], made.Errors.TrimEnd().Split('\n'));
        Assert.DoesNotContain("\u001b", made.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("passes: [{ pass: quantize-statc }]", 2, "recipe.yaml:4: pass is 'quantize-statc'; expected fake-quantize-weights or fold-batchnorm or quantize-static")]
    [InlineData("pases: []", 2, "recipe.yaml:4: unknown key 'pases' in spec; allowed: seed, target, calibration, passes")]
    [InlineData("{ calibration: { split: calib }, passes: [{ pass: quantize-static }] }", 2, "there is no split 'calib'; there are: calibration, test")]
    public void A_recipe_that_cannot_be_is_answered_with_the_place(string spec, int exitCode, string expected)
    {
        EdgefleetProcess made = Compress(spec);

        Assert.Equal(exitCode, made.ExitCode);
        Assert.Contains(expected, made.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["out"]));
    }

    [Fact]
    public void An_out_folder_that_cannot_be_written_is_refused_before_the_work()
    {
        _folder.Write("out", "a file");

        EdgefleetProcess made = Compress("passes: [{ pass: quantize-static }]");
        EdgefleetProcess judged = Evaluate(_model, "--out", _folder["out/evidence.json"]);

        Assert.All([made, judged], result =>
        {
            Assert.Equal(3, result.ExitCode);
            Assert.StartsWith($"error: --out: '{_folder["out"]}' cannot be written to", result.Errors, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Rows_that_the_candidate_was_made_from_do_not_judge_it()
    {
        File.WriteAllText(_data, File.ReadAllText(_data).Replace("test: { source: all, first:", "test: { source: all, count:", StringComparison.Ordinal));

        EdgefleetProcess judged = Evaluate(_model);

        Assert.Equal(2, judged.ExitCode);
        Assert.Contains("rows of split 'test' belong to split 'calibration' too", judged.Errors, StringComparison.Ordinal);
        Assert.Equal("", judged.Output);
    }

    [Fact]
    public void A_model_that_the_recipe_does_not_fit_is_a_no()
    {
        ModelBuilder builder = new ModelBuilder().Input("x", -1, 1, 8, 8).Output("y", -1, 1, 8, 8);
        builder.Node("Relu", ["x"], "y");
        builder.Save(_model);

        EdgefleetProcess made = Compress("passes: [{ pass: quantize-static }]");

        Assert.Equal(1, made.ExitCode);
        Assert.Contains("error: pass 'quantize-static': no Conv, Gemm or MatMul", made.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_missing_or_wrong_are_named()
    {
        (int, string)[] answers =
        [
            Short(Evaluate(_folder["nowhere.onnx"])),
            Short(Evaluate(_folder.Write("text.onnx", "hello"))),
            Short(EdgefleetProcess.Run("evaluate", "--baseline", _model, "--candidate", _model, "--suite", _data, "--data", _data)),
            Short(EdgefleetProcess.Run("evaluate", "--baseline", _model)),
        ];
        File.Delete(_folder["labels.idx.gz"]);
        (int, string) noLabels = Short(Evaluate(_model));

        Assert.Equal((3, $"error: candidate '{_folder["nowhere.onnx"]}' does not exist"), answers[0]);
        Assert.Equal(2, answers[1].Item1);
        Assert.Contains("text.onnx", answers[1].Item2, StringComparison.Ordinal);
        Assert.Equal((2, $"error: {_data}:2: kind is 'Dataset'; expected Suite"), answers[2]);
        Assert.Equal(2, answers[3].Item1);
        Assert.Equal((3, $"error: {_data}: '{_folder["labels.idx.gz"]}' of source 'all' does not exist"), noLabels);
    }

    [Fact]
    public void Help_teaches_the_passes_with_their_defaults()
    {
        string help = EdgefleetProcess.Run("compress", "--help").Output;

        Assert.Contains("quantize-static", help, StringComparison.Ordinal);
        Assert.Contains("what shares a scale of the weights (channel, tensor); default channel", help, StringComparison.Ordinal);
        Assert.Contains("x64-vnni", help, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_real_model_and_format_go_through_the_same_commands()
    {
        if (SharedFiles.Locate("data/mnist_eval.npz") is not { } rows || SharedFiles.Locate("models/mnist_resnet8_c8.onnx") is not { } model)
        {
            return;
        }

        string data = _folder.Write("mnist.yaml", $$"""
            apiVersion: edgefleet.io/v1
            kind: Dataset
            metadata: { name: mnist }
            spec:
              format: npz
              sources: { eval: { file: {{rows}}, inputs: x_u8, labels: y } }
              splits:
                calibration: { source: eval, count: 512 }
                test: { source: eval, first: 512, every: 4 }
              preprocessing: { scale: 1/255, mean: 0.1307, std: 0.3081, shape: [1, 28, 28] }
            """);
        string recipe = Recipe("passes: [{ pass: quantize-static }]");

        EdgefleetProcess made = EdgefleetProcess.Run("compress", model, "--recipe", recipe, "--data", data, "--out", _folder["out"]);
        EdgefleetProcess judged = EdgefleetProcess.Run(
            "evaluate", "--baseline", model, "--candidate", _folder["out/model.onnx"], "--suite", _suite, "--data", data, "-o", "json");

        Assert.Equal((0, 0), (made.ExitCode, judged.ExitCode));
        Assert.InRange(JsonNode.Parse(judged.Output)!["metrics"]!["accuracy"]!["candidate"]!.GetValue<double>(), 0.985, 0.996);
    }

    private string Recipe(string spec) => _folder.Write(
        "recipe.yaml", $"apiVersion: edgefleet.io/v1\nkind: Recipe\nmetadata: {{ name: r }}\nspec: {(spec.StartsWith('{') ? spec : "{ " + spec + " }")}\n");

    private EdgefleetProcess Compress(string spec, params string[] more) =>
        EdgefleetProcess.Run(["compress", _model, "--recipe", Recipe(spec), "--data", _data, "--out", _folder["out"], .. more]);

    private EdgefleetProcess Evaluate(string candidate, params string[] more) =>
        EdgefleetProcess.Run(["evaluate", "--baseline", _model, "--candidate", candidate, "--suite", _suite, "--data", _data, .. more]);

    private static (int ExitCode, string FirstError) Short(EdgefleetProcess process) =>
        (process.ExitCode, process.Errors.Split('\n').FirstOrDefault(line => line.StartsWith("error", StringComparison.Ordinal)) ?? "");
}
