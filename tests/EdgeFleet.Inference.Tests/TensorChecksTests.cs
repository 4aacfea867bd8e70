using System.Runtime.InteropServices;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Inference.Tests;

public sealed class TensorChecksTests
{
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void What_is_not_finite_is_found_at_every_place(float bad)
    {
        // 67 values: vector lanes and a remainder on every machine.
        for (int place = 0; place < 67; place++)
        {
            float[] values = new float[67];
            Array.Fill(values, float.MaxValue);
            Assert.True(TensorChecks.AllFinite("FP32", MemoryMarshal.AsBytes<float>(values)));
            values[place] = bad;
            Assert.False(TensorChecks.AllFinite("FP32", MemoryMarshal.AsBytes<float>(values)));
            Assert.False(TensorChecks.AllFinite("FP64", MemoryMarshal.AsBytes<double>(Array.ConvertAll(values, value => (double)value))));
            Assert.False(TensorChecks.AllFinite("FP16", MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, value => (Half)value))));
        }
    }

    [Fact]
    public void The_label_is_the_first_of_the_largest_values()
    {
        Assert.Equal(1, TensorChecks.ArgMax("FP32", MemoryMarshal.AsBytes<float>([-3f, 7f, 7f, 0f])));
        Assert.Equal(2, TensorChecks.ArgMax("INT8", MemoryMarshal.AsBytes<sbyte>([-3, -7, 0])));
        Assert.Equal(0, TensorChecks.ArgMax("BF16", MemoryMarshal.AsBytes<ushort>([0x3F80, 0xBF80]))); // 1, -1
        Assert.Equal(-1, TensorChecks.ArgMax("FP32", MemoryMarshal.AsBytes<float>([1f, float.NaN])));
        Assert.Equal(-1, TensorChecks.ArgMax("FP32", []));
    }

    [Fact]
    public void Labels_are_compared_row_by_row()
    {
        float[] left = [1, 2, 9, 8], swapped = [1, 2, 8, 9];
        Assert.True(TensorChecks.SameLabels("FP32", [2, 2], MemoryMarshal.AsBytes<float>(left), MemoryMarshal.AsBytes<float>(left)));
        Assert.False(TensorChecks.SameLabels("FP32", [2, 2], MemoryMarshal.AsBytes<float>(left), MemoryMarshal.AsBytes<float>(swapped)));
        Assert.False(TensorChecks.SameLabels("FP32", [2, 2], MemoryMarshal.AsBytes<float>(left), MemoryMarshal.AsBytes<float>([1f, 2f])));
    }

    [Theory]
    [InlineData("x", "FP32", new long[] { 1, 3 }, null)]
    [InlineData("x", "FP32", new long[] { -1, 3 }, null)]
    [InlineData("x", "FP32", new long[] { 2, 3 }, "input 0: the contract says x:FP32[2,3], the model has x:FP32[1,3]")]
    [InlineData("x", "FP32", new long[] { 3 }, "input 0: the contract says x:FP32[3], the model has x:FP32[1,3]")]
    [InlineData("x", "FP16", new long[] { 1, 3 }, "input 0: the contract says x:FP16[1,3], the model has x:FP32[1,3]")]
    [InlineData("z", "FP32", new long[] { 1, 3 }, "input 0: the contract says z:FP32[1,3], the model has x:FP32[1,3]")]
    public void A_signed_contract_that_the_model_does_not_keep_is_named(string name, string type, long[] shape, string? expected)
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2, 3]));
        ModelContract signed = model.Contract with { Inputs = [new TensorSpec(name, type, shape)], Preprocessing = "only words" };
        Assert.Equal(expected, ContractChecks.FirstMismatch(signed, model.Contract));
    }

    [Fact]
    public void Synthetic_inputs_fit_the_contract_and_are_the_same_for_the_same_seed()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2, 3], rows: -1));
        Tensor one = SyntheticInputs.For(model.Contract, seed: 5, freeDimension: 4).Single();
        Tensor same = SyntheticInputs.For(model.Contract, seed: 5, freeDimension: 4).Single();
        Tensor other = SyntheticInputs.For(model.Contract, seed: 6, freeDimension: 4).Single();

        Assert.Equal([4, 3], one.Shape);
        Assert.All(one.Floats().ToArray(), value => Assert.InRange(value, 0f, 1f));
        Assert.True(one.Data.Span.SequenceEqual(same.Data.Span));
        Assert.False(one.Data.Span.SequenceEqual(other.Data.Span));
    }
}
