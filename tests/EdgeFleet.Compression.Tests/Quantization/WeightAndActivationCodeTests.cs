using EdgeFleet.Compression.Quantization;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing.Graphs;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Compression.Tests.Quantization;

public sealed class WeightAndActivationCodeTests
{
    [Theory, InlineData(127), InlineData(64)]
    public void Codes_of_weights_are_those_of_the_runtimes_own_quantizer(int largestCode)
    {
        float[] weights = RuntimeOracle.Noise(6 * 40, 21, 0.3);
        SymmetricWeights ours = SymmetricWeights.Of(weights, 6, 40, largestCode, []);

        ModelBuilder b = new ModelBuilder().Input("x", 6, 40).Output("y", 6, 40);
        b.Proto.Graph.Output[0].Type.TensorType.ElemType = (int)TensorProto.Types.DataType.Int8;
        b.Tensor(TensorData.Create("s", [6], ours.Scales)).Tensor(TensorData.Create("z", [6], new sbyte[6]));
        NodeProto quantize = b.Node("QuantizeLinear", ["x", "s", "z"], "y");
        Onnx.Graphs.NodeAttributes.With(quantize, "axis", 0L);
        using LoadedModel loaded = LoadedModel.Load("q", b.ToBytes());
        ReadOnlySpan<sbyte> theirs = loaded.Run([Tensor.Of("x", [6, 40], weights)])[0].Values<sbyte>();

        Assert.Equal(theirs.ToArray(), ours.Codes);
        Assert.Equal(largestCode, ours.Codes.Max(code => Math.Abs((int)code)));
    }

    [Fact]
    public void A_channel_of_zeros_gets_codes_of_zero_and_a_scale()
    {
        SymmetricWeights weights = SymmetricWeights.Of([0, 0, 1, -1], 2, 2, 127, []);

        Assert.Equal(new sbyte[] { 0, 0, 127, -127 }, weights.Codes);
        Assert.Equal(1, weights.Scales[0]);
    }

    [Fact]
    public void A_smallest_scale_is_kept()
    {
        SymmetricWeights weights = SymmetricWeights.Of([0.5f, 1f], 1, 1, 127, [0.1]);

        Assert.Equal(0.1f, weights.Scales[0]);
        Assert.Equal(new sbyte[] { 5, 10 }, weights.Codes);
    }

    [Fact]
    public void Every_range_has_zero_exact_and_its_ends_within_a_step()
    {
        Property law = Prop.ForAll(
            ArbMap.Default.ArbFor<NormalFloat>(), ArbMap.Default.ArbFor<NormalFloat>(), ArbMap.Default.ArbFor<bool>(),
            (a, b, signed) =>
            {
                float one = (float)(a.Get % 1e6), other = (float)(b.Get % 1e6);
                ValueRange range = new(Math.Min(one, other), Math.Max(one, other));
                ActivationFormat format = new(signed);
                ActivationCode code = format.Map(range);
                float low = (format.Lowest - code.ZeroPoint) * code.Scale, high = (format.Lowest + 255 - code.ZeroPoint) * code.Scale;
                return code.Scale > 0
                    && code.ZeroPoint >= format.Lowest && code.ZeroPoint <= format.Lowest + 255
                    && low <= Math.Min(0, range.Low) + (code.Scale * 0.51)
                    && high >= Math.Max(0, range.High) - (code.Scale * 0.51);
            });

        law.QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Behind_a_relu_the_lowest_code_is_zero_in_either_type()
    {
        Assert.Equal(0, new ActivationFormat(Signed: false).Map(new ValueRange(0, 3)).ZeroPoint);
        Assert.Equal(-128, new ActivationFormat(Signed: true).Map(new ValueRange(0, 3)).ZeroPoint);
    }

    [Theory, InlineData(6f), InlineData(1f), InlineData(0.7f), InlineData(3.3333333f)]
    public void Codes_never_reach_above_a_clip(float ceiling)
    {
        ActivationCode code = new ActivationFormat(Signed: false).Map(new ValueRange(0, 100), ceiling);

        Assert.True(code.Scale * 255 <= ceiling);
        Assert.True(code.Scale * 255 > ceiling * 0.999f);
    }

    [Fact]
    public void A_tensor_that_is_always_zero_gets_a_scale()
    {
        Assert.Equal(new ActivationCode(1, 0), new ActivationFormat(Signed: false).Map(new ValueRange(0, 0)));
    }

    [Fact]
    public void A_range_with_something_that_is_no_number_is_not_finite()
    {
        Assert.False(ValueRange.Empty.Include([1, float.NaN, 2]).IsFinite);
        Assert.False(ValueRange.Empty.Include([1, float.PositiveInfinity]).IsFinite);
        Assert.Equal(new ValueRange(-1, 2), ValueRange.Empty.Include([1]).Include([-1, 2]));
    }
}
