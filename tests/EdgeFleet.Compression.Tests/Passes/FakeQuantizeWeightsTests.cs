using EdgeFleet.Compression.Runs;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Compression.Tests.Passes;

public sealed class FakeQuantizeWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Compressor _compressor;

    public FakeQuantizeWeightsTests() => _compressor = new Compressor(_folder, RuntimeOracle.NoiseDataset(_folder, [1, 8, 8]));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 7)]
    [InlineData(4, 15)]
    public void Weights_of_a_tensor_take_no_more_values_than_the_bits_allow(int bits, int values)
    {
        OnnxModel rounded = _compressor.Compress(ModelBuilder.Classifier().Build(), $"passes: [{{ pass: fake-quantize-weights, bits: {bits} }}]");

        float[] weights = Floats(rounded, "w2");
        // A code that no weight falls on may be missing.
        Assert.InRange(weights.Distinct().Count(), (values * 2 / 3) + 1, values);
        Assert.Contains(0f, weights);
        Assert.Equal(Floats(ModelBuilder.Classifier().Build(), "w2").Max(MathF.Abs), weights.Max(MathF.Abs), 1e-5f);
    }

    [Fact]
    public void A_scale_per_channel_keeps_more_than_one_for_all()
    {
        double perTensor = Ratio("tensor"), perChannel = Ratio("channel");

        Assert.True(perChannel > perTensor + 1, $"{perChannel} dB per channel, {perTensor} dB per tensor");
    }

    [Fact]
    public void Fewer_bits_do_more_harm()
    {
        double[] ratios = [.. new[] { 8, 6, 4, 3, 2 }.Select(bits =>
        {
            _compressor.Compress(ModelBuilder.Classifier().Build(), $"passes: [{{ pass: fake-quantize-weights, bits: {bits} }}]");
            return _compressor.Report.Verification.SignalToNoiseDb!.Value;
        })];

        Assert.Equal(ratios.OrderDescending(), ratios);
    }

    [Theory]
    [InlineData("fake-quantize-weights")]
    [InlineData("quantize-static")]
    public void A_name_to_exclude_that_no_node_has_is_refused_and_not_passed_over(string pass)
    {
        CompressionException refused = Assert.Throws<CompressionException>(() =>
            _compressor.Compress(ModelBuilder.Classifier().Build(), $"passes: [{{ pass: {pass}, exclude: [c1_node, c1_nod] }}]"));

        Assert.Equal($"pass '{pass}': exclude names 'c1_nod', and model 'baseline.onnx' has no such node at this pass", refused.Message);
    }

    [Fact]
    public void A_model_that_is_quantized_already_is_refused_with_that_reason()
    {
        OnnxModel quantized = _compressor.Compress(ModelBuilder.Classifier().Build(), "passes: [{ pass: quantize-static }]");

        CompressionException refused = Assert.Throws<CompressionException>(() => _compressor.Compress(quantized, "passes: [{ pass: quantize-static }]"));

        Assert.Contains("quantized already", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Biases_and_excluded_nodes_stay_exact()
    {
        OnnxModel exact = ModelBuilder.Classifier().Build();

        OnnxModel rounded = _compressor.Compress(exact, "passes: [{ pass: fake-quantize-weights, bits: 2, exclude: [c1_node] }]");

        Assert.Equal(Floats(exact, "w1"), Floats(rounded, "w1"));
        Assert.NotEqual(Floats(exact, "w2"), Floats(rounded, "w2"));
        Assert.Equal(Floats(exact, "b2"), Floats(rounded, "b2"));
    }

    [Fact]
    public void A_model_without_weights_is_refused()
    {
        ModelBuilder builder = new ModelBuilder().Input("x", -1, 1, 8, 8).Output("y", -1, 1, 8, 8);
        builder.Node("Relu", ["x"], "y");

        CompressionException error = Assert.Throws<CompressionException>(() => _compressor.Compress(builder.Build(), "passes: [{ pass: fake-quantize-weights }]"));

        Assert.Equal("pass 'fake-quantize-weights': no Conv, ConvTranspose, Gemm or MatMul has constant weights", error.Message);
        Assert.False(File.Exists(_folder["out/model.onnx"]));
    }

    private double Ratio(string granularity)
    {
        // Channels of very different size are what a scale for all of them cannot serve.
        OnnxModel model = ModelBuilder.Classifier().Build();
        Onnx.Graphs.GraphEditor editor = new(model.Graph);
        float[] weights = Floats(model, "w2");
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] *= i / 72 % 2 == 0 ? 1 : 0.05f;
        }

        editor.Replace(TensorData.Create("w2", [8, 8, 3, 3], weights));
        _compressor.Compress(model, $"passes: [{{ pass: fake-quantize-weights, bits: 4, granularity: {granularity} }}]");
        return _compressor.Report.Verification.SignalToNoiseDb!.Value;
    }

    private static float[] Floats(OnnxModel model, string name) =>
        TensorData.Floats(model.Graph.Initializer.Single(tensor => tensor.Name == name));
}
