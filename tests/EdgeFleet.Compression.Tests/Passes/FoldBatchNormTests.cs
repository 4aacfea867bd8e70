using EdgeFleet.Compression.Runs;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Compression.Tests.Passes;

public sealed class FoldBatchNormTests : IDisposable
{
    private const string Recipe = "passes: [{ pass: fold-batchnorm }]";
    private readonly TemporaryFolder _folder = new();
    private readonly Compressor _compressor;

    public FoldBatchNormTests() => _compressor = new Compressor(_folder, RuntimeOracle.NoiseDataset(_folder, [3, 6, 6]));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public void The_folded_model_answers_as_before(bool hasBias, int group)
    {
        OnnxModel model = ConvAndNorm(hasBias, group).Build();
        float[] input = RuntimeOracle.Noise(2 * 3 * 6 * 6, 5);
        float[] before = RuntimeOracle.Run(model, [2, 3, 6, 6], input);

        OnnxModel folded = _compressor.Compress(model, Recipe);

        Assert.Equal(["Conv"], folded.Graph.Node.Select(node => node.OpType));
        float[] after = RuntimeOracle.Run(folded, [2, 3, 6, 6], input);
        Assert.Equal(before.Length, after.Length);
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.Equal("folded", Assert.Single(Assert.Single(_compressor.Report.Passes).Decisions).Action);
        Assert.True(_compressor.Report.Verification.SignalToNoiseDb is null or > 100);
    }

    [Fact]
    public void The_epsilon_of_the_node_is_used()
    {
        // The control: with another epsilon the same weights give other answers, so ignoring it would show above.
        ModelBuilder builder = ConvAndNorm(hasBias: true, group: 1);
        float[] input = RuntimeOracle.Noise(3 * 6 * 6, 5);
        float[] before = RuntimeOracle.Run(builder.Build(), [1, 3, 6, 6], input);
        builder.Proto.Graph.Node[1].With("epsilon", 0.5f);
        float[] other = RuntimeOracle.Run(builder.Build(), [1, 3, 6, 6], input);
        Assert.Contains(before.Zip(other), pair => Math.Abs(pair.First - pair.Second) > 0.01);

        float[] after = RuntimeOracle.Run(_compressor.Compress(builder.Build(), Recipe), [1, 3, 6, 6], input);

        Assert.All(other.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void A_convolution_that_is_read_elsewhere_keeps_its_norm()
    {
        ModelBuilder builder = ConvAndNorm(hasBias: true, group: 1);
        builder.Node("Relu", ["c"], "z");
        builder.Output("z", -1, 6, 6, 6);

        AssertKept(builder, "'c' is also read elsewhere");
    }

    [Fact]
    public void A_convolution_that_is_an_output_keeps_its_norm() =>
        AssertKept(ConvAndNorm(hasBias: true, group: 1).Output("c", -1, 6, 6, 6), "'c' is also read elsewhere");

    [Fact]
    public void A_norm_behind_something_else_is_kept()
    {
        ModelBuilder builder = ConvAndNorm(hasBias: true, group: 1);
        builder.Proto.Graph.Node[1].Input[0] = "a";
        NodeProto relu = builder.Node("Relu", ["c"], "a");
        builder.Proto.Graph.Node.Remove(relu);
        builder.Proto.Graph.Node.Insert(1, relu);

        AssertKept(builder, "its input comes from Relu, not from a Conv");
    }

    [Fact]
    public void Weights_that_two_convolutions_share_are_folded_into_one_only()
    {
        ModelBuilder builder = ConvAndNorm(hasBias: true, group: 1);
        builder.Node("Conv", ["x", "w", "b"], "z").With("pads", 1, 1, 1, 1);
        builder.Output("z", -1, 6, 6, 6);
        float[] weights = TensorData.Floats(builder.Proto.Graph.Initializer.Single(tensor => tensor.Name == "w"));

        OnnxModel folded = _compressor.Compress(builder.Build(), Recipe);

        NodeProto other = folded.Graph.Node.Single(node => node.Output[0] == "z");
        Assert.Equal(weights, TensorData.Floats(folded.Graph.Initializer.Single(tensor => tensor.Name == other.Input[1])));
        Assert.Equal(2, folded.Graph.Node.Count);
    }

    [Fact]
    public void A_model_without_norms_comes_out_as_it_was()
    {
        ModelBuilder builder = ConvAndNorm(hasBias: true, group: 1);
        builder.Proto.Graph.Node.RemoveAt(1);
        builder.Proto.Graph.Output[0].Name = "c";

        OnnxModel folded = _compressor.Compress(builder.Build(), Recipe);

        Assert.Equal(builder.Proto.Graph.Node, folded.Graph.Node);
        Assert.Null(_compressor.Report.Verification.SignalToNoiseDb);
        Assert.Equal(0, _compressor.Report.Verification.LargestError);
    }

    private void AssertKept(ModelBuilder builder, string reason)
    {
        OnnxModel model = _compressor.Compress(builder.Build(), Recipe);

        Assert.Contains(model.Graph.Node, node => node.OpType == "BatchNormalization");
        PassDecision decision = Assert.Single(Assert.Single(_compressor.Report.Passes).Decisions);
        Assert.Equal(("kept", reason), (decision.Action, decision.Reason));
    }

    /// <summary>x[N,3,6,6] → Conv 3x3 (6 channels) → BatchNormalization → y.</summary>
    private static ModelBuilder ConvAndNorm(bool hasBias, int group)
    {
        ModelBuilder b = new ModelBuilder(seed: 9).Input("x", -1, 3, 6, 6).Output("y", -1, 6, 6, 6);
        b.Weights("w", [6, 3 / group, 3, 3]);
        NodeProto conv = b.Node("Conv", hasBias ? ["x", "w", "b"] : ["x", "w"], "c");
        conv.With("pads", 1, 1, 1, 1);
        conv.With("group", (long)group);
        if (hasBias)
        {
            b.Weights("b", [6]);
        }

        b.Weights("gamma", [6], 0.3, mean: 1).Weights("beta", [6]).Weights("mean", [6]);
        b.Tensor(TensorData.Create("variance", [6], new float[] { 0.5f, 1, 2, 3, 0.1f, 0.01f }));
        b.Node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], "y").With("epsilon", 0.001f);
        return b;
    }
}
