using EdgeFleet.Compression.Runs;
using EdgeFleet.Evaluation.Comparisons;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Suites;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Contracts;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Compression.Tests.Passes;

public sealed class QuantizeStaticTests : IDisposable
{
    private const string Recipe = "passes: [{ pass: quantize-static, narrowInputs: quantize }]";
    private readonly TemporaryFolder _folder = new();
    private readonly Compressor _compressor;

    public QuantizeStaticTests() => _compressor = new Compressor(_folder, RuntimeOracle.NoiseDataset(_folder, [1, 8, 8]));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("any")]
    [InlineData("x64-vnni")]
    [InlineData("x64-avx2")]
    [InlineData("arm64")]
    public void A_classifier_keeps_its_accuracy_in_the_format_of_every_target(string target)
    {
        Dataset dataset = Dataset.Load(SmallTask.WriteDataset(_folder));
        Compressor compressor = new(_folder, dataset);
        OnnxModel model = SmallTask.Model();

        OnnxModel quantized = compressor.Compress(model, $"target: {target}\n{Recipe}");

        EvaluationEvidence evidence = new Evaluator(TimeProvider.System).Evaluate(
            _folder["baseline.onnx"], _folder["out/model.onnx"], new Suite { Name = "s", MaxAccuracyDrop = 0.02, MinAgreement = 0.97 }, dataset, 2, null, CancellationToken.None);
        Assert.True(evidence.Passed, string.Join("; ", evidence.Failed));
        Assert.Equal(ContractReader.Read(model), ContractReader.Read(quantized));
        Assert.True(evidence.Agreement < 1 || compressor.Report.Verification.LargestError > 0, "nothing was quantized");
    }

    [Theory]
    [InlineData("any", 64)]
    [InlineData("x64-vnni", 127)]
    [InlineData("arm64", 127)]
    public void The_target_decides_types_and_the_range_of_weights(string target, int largestCode)
    {
        OnnxModel quantized = _compressor.Compress(ModelBuilder.Classifier().Build(), $"target: {target}\n{Recipe}");

        GraphEditor editor = new(quantized.Graph);
        NodeProto conv = quantized.Graph.Node.First(node => node.OpType == "Conv");
        TensorProto codes = editor.Initializer(editor.Producer(conv.Input[1])!.Input[0])!;
        TensorProto zero = editor.Initializer(editor.Producer(conv.Input[0])!.Input[2])!;
        Assert.Equal(largestCode, TensorData.Int8s(codes).Max(code => Math.Abs((int)code)));
        Assert.Equal((int)(target == "arm64" ? TensorProto.Types.DataType.Int8 : TensorProto.Types.DataType.Uint8), zero.DataType);
    }

    [Fact]
    public void The_runtime_fuses_every_quantized_node_and_drops_the_activations()
    {
        OnnxModel quantized = _compressor.Compress(ModelBuilder.Classifier().Build(), Recipe);

        Assert.Equal(
            ["QuantizeLinear", "QLinearConv", "QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "Flatten", "QGemm"],
            RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()));
    }

    [Fact]
    public void A_convolution_over_one_channel_stays_float_unless_the_recipe_asks_otherwise()
    {
        OnnxModel quantized = _compressor.Compress(ModelBuilder.Classifier().Build(), "passes: [{ pass: quantize-static }]");

        Assert.Equal(
            ["Conv", "QuantizeLinear", "QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "Flatten", "QGemm"],
            RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()));
        Assert.Contains(
            _compressor.Report.Passes[0].Decisions,
            decision => decision is { Node: "c1_node", Action: "kept float", Reason: "it reads 1 channel(s), where 8 bit kernels are slower than float ones" });
    }

    [Fact]
    public void Clips_pools_and_concatenations_are_fused_too()
    {
        ModelBuilder b = new ModelBuilder().Input("x", -1, 1, 8, 8).Output("y", -1, 4);
        b.Weights("w1", [8, 1, 3, 3]).Weights("b1", [8]).Weights("w2", [4, 8, 1, 1]).Weights("w3", [4, 8, 1, 1]).Weights("w4", [4, 32]);
        b.Tensor(TensorData.Create("lo", [], new float[] { 0 })).Tensor(TensorData.Create("hi", [], new float[] { 1.5f }));
        b.Node("Conv", ["x", "w1", "b1"], "c1").With("pads", 1, 1, 1, 1);
        b.Node("Clip", ["c1", "lo", "hi"], "r1");
        NodeProto pool = b.Node("MaxPool", ["r1"], "p1");
        pool.With("kernel_shape", 4, 4);
        pool.With("strides", 4, 4);
        b.Node("Conv", ["p1", "w2"], "c2");
        b.Node("Conv", ["p1", "w3"], "c3");
        b.Node("Concat", ["c2", "c3"], "k").With("axis", 1L);
        b.Node("Flatten", ["k"], "f");
        b.Node("Gemm", ["f", "w4"], "y").With("transB", 1L);

        OnnxModel quantized = _compressor.Compress(b.Build(), Recipe);

        Assert.Equal(
            ["Flatten", "MaxPool", "QGemm", "QLinearConcat", "QLinearConv", "QLinearConv", "QLinearConv", "QuantizeLinear"],
            RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_tensor_has_one_quantize_and_each_reader_its_own_dequantize()
    {
        OnnxModel quantized = _compressor.Compress(ModelBuilder.Classifier().Build(), Recipe);
        GraphEditor editor = new(quantized.Graph);

        Assert.All(quantized.Graph.Node.Where(node => node.OpType == "DequantizeLinear"), node => Assert.Single(editor.Uses(node.Output[0])));
        Assert.All(
            quantized.Graph.Node.Where(node => node.OpType == "QuantizeLinear").GroupBy(node => node.Input[0]), group => Assert.Single(group));
        Assert.All(
            quantized.Graph.Node.Where(node => node.OpType == "Conv"),
            conv => Assert.Contains(Assert.Single(editor.Uses(conv.Output[0])).Node.OpType, new[] { "Relu", "QuantizeLinear" }));
    }

    [Fact]
    public void A_convolution_that_is_also_an_output_keeps_the_name_of_its_result()
    {
        ModelBuilder builder = ModelBuilder.Classifier().Output("c1", -1, 8, 8, 8);

        OnnxModel quantized = _compressor.Compress(builder.Build(), Recipe);

        Assert.Equal(ContractReader.Read(builder.Build()), ContractReader.Read(quantized));
        Assert.Contains("QLinearConv", RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()));
    }

    [Fact]
    public void Nodes_behind_the_last_weights_stay_float()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.Graph.Node[^1].Output[0] = "logits";
        builder.Proto.Graph.Node[^1].Name = "logits_node";
        builder.Node("Softmax", ["logits"], "y").With("axis", 1L);

        OnnxModel quantized = _compressor.Compress(builder.Build(), Recipe);

        Assert.Equal("Softmax", RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes())[^1]);
        Assert.DoesNotContain(quantized.Graph.Node, node => node.OpType == "QuantizeLinear" && node.Input[0] == "logits");
    }

    [Fact]
    public void Operators_without_an_8_bit_kernel_stay_float_and_say_why()
    {
        ModelBuilder b = new ModelBuilder().Input("x", -1, 1, 8, 8).Output("y", -1, 2, 16, 16);
        b.Weights("w1", [4, 1, 3, 3]).Weights("w2", [4, 2, 2, 2]);
        b.Node("Conv", ["x", "w1"], "c1").With("pads", 1, 1, 1, 1);
        b.Node("HardSwish", ["c1"], "h1");
        b.Proto.OpsetImport[0].Version = 14;
        b.Node("ConvTranspose", ["h1", "w2"], "y").With("strides", 2, 2);

        OnnxModel quantized = _compressor.Compress(b.Build(), Recipe);

        Assert.Contains(
            _compressor.Report.Passes[0].Decisions,
            decision => decision is { Operator: "ConvTranspose", Action: "kept float", Reason: "the runtime has no 8 bit kernel for it" });
        // At this level of optimisation HardSwish may be written out; what matters is that no codes reach it.
        Assert.Contains("ConvTranspose", RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()));
    }

    [Fact]
    public void Nodes_that_the_recipe_excludes_stay_as_they_are()
    {
        OnnxModel quantized = _compressor.Compress(ModelBuilder.Classifier().Build(), "passes: [{ pass: quantize-static, narrowInputs: quantize, exclude: [c1_node] }]");

        NodeProto conv = quantized.Graph.Node.First(node => node.OpType == "Conv");
        Assert.Equal(["x", "w1", "b1"], conv.Input);
        Assert.Equal(1, RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()).Count(type => type == "QLinearConv"));
    }

    [Fact]
    public void A_bias_far_larger_than_its_weights_survives()
    {
        // Weights of 1e-9 and a bias of 3: in units of both scales the bias would need 40 bits.
        ModelBuilder builder = ModelBuilder.Classifier();
        OnnxModel model = builder.Build();
        GraphEditor editor = new(model.Graph);
        float[] weights = TensorData.Floats(editor.Initializer("w1")!), bias = TensorData.Floats(editor.Initializer("b1")!);
        for (int i = 0; i < 9; i++)
        {
            weights[i] *= 1e-9f;
        }

        bias[0] = 3;
        editor.Replace(TensorData.Create("w1", [8, 1, 3, 3], weights));
        editor.Replace(TensorData.Create("b1", [8], bias));

        _compressor.Compress(model, Recipe);

        Assert.True(_compressor.Report.Verification.SignalToNoiseDb > 20, $"{_compressor.Report.Verification.SignalToNoiseDb} dB");
    }

    [Fact]
    public void The_same_inputs_give_the_same_bytes_and_another_seed_others()
    {
        string spec = "seed: 5\ncalibration: { rows: 4 }\n" + Recipe;
        byte[] one = _compressor.Compress(ModelBuilder.Classifier().Build(), spec).ToBytes();
        byte[] same = _compressor.Compress(ModelBuilder.Classifier().Build(), spec).ToBytes();
        byte[] other = _compressor.Compress(ModelBuilder.Classifier().Build(), spec.Replace("seed: 5", "seed: 6", StringComparison.Ordinal)).ToBytes();

        Assert.Equal(one, same);
        Assert.NotEqual(one, other);
    }

    [Fact]
    public void An_older_model_is_raised_where_its_operators_mean_the_same()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.OpsetImport[0].Version = 11;
        float[] input = RuntimeOracle.Noise(64, 1);
        float[] before = RuntimeOracle.Run(builder.Build(), [1, 1, 8, 8], input);

        OnnxModel quantized = _compressor.Compress(builder.Build(), Recipe);

        Assert.Equal(13, quantized.OpsetVersion());
        Assert.All(before.Zip(RuntimeOracle.Run(quantized, [1, 1, 8, 8], input)), pair => Assert.Equal(pair.First, pair.Second, 0.2f));
    }

    [Fact]
    public void An_older_model_that_cannot_be_raised_is_refused()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.OpsetImport[0].Version = 11;
        builder.Proto.Graph.Node[^1].Output[0] = "logits";
        builder.Proto.Graph.Node[^1].Name = "logits_node";
        builder.Node("Hardmax", ["logits"], "y");

        CompressionException error = Assert.Throws<CompressionException>(() => _compressor.Compress(builder.Build(), Recipe));

        Assert.Contains("operator set 11, scales per channel need 13, and Hardmax cannot be brought there", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_with_a_fixed_batch_is_quantized_too()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();
        model.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimValue = 5;
        model.Graph.Output[0].Type.TensorType.Shape.Dim[0].DimValue = 5;

        byte[] five = _compressor.Compress(model, Recipe).ToBytes();

        Assert.True(_compressor.Report.Verification.Agreement > 0.9);
        Assert.NotEmpty(five);
    }

    [Fact]
    public void A_matmul_with_constants_in_nodes_is_quantized()
    {
        ModelBuilder b = new ModelBuilder().Input("x", -1, 1, 8, 8).Output("y", -1, 1, 8, 3);
        NodeProto constant = b.Node("Constant", [], "w");
        constant.Attribute.Add(new AttributeProto
        {
            Name = "value",
            Type = AttributeProto.Types.AttributeType.Tensor,
            T = TensorData.Create("", [8, 3], RuntimeOracle.Noise(24, 4)),
        });
        b.Node("MatMul", ["x", "w"], "y");

        OnnxModel quantized = _compressor.Compress(b.Build(), Recipe);

        Assert.Contains("MatMulIntegerToFloat", RuntimeOracle.OperatorsAfterFusion(quantized.ToBytes()));
        Assert.True(_compressor.Report.Verification.SignalToNoiseDb > 30);
    }

    [Fact]
    public void Calibration_on_a_model_that_is_broken_names_the_tensor()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();
        new GraphEditor(model.Graph).Replace(TensorData.Create("b1", [8], new float[] { float.NaN, 0, 0, 0, 0, 0, 0, 0 }));

        CompressionException error = Assert.Throws<CompressionException>(() => _compressor.Compress(model, Recipe));

        Assert.Contains("is not finite on the calibration rows; the baseline itself is broken there", error.Message, StringComparison.Ordinal);
    }
}
