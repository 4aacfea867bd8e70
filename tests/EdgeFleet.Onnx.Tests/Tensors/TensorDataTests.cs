using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Tests.Tensors;

public sealed class TensorDataTests
{
    [Fact]
    public void Values_come_back_from_the_raw_block()
    {
        Assert.Equal([1.5f, -2f], TensorData.Floats(TensorData.Create("t", [2], new float[] { 1.5f, -2f })));
        Assert.Equal([long.MinValue], TensorData.Int64s(TensorData.Create("t", [], new long[] { long.MinValue })));
        Assert.Equal([7, -7], TensorData.Int32s(TensorData.Create("t", [1, 2], new int[] { 7, -7 })));
        Assert.Equal(new sbyte[] { -128, 127 }, TensorData.Int8s(TensorData.Create("t", [2], new sbyte[] { -128, 127 })));
        Assert.Equal(new byte[] { 255 }, TensorData.UInt8s(TensorData.Create("t", [1], new byte[] { 255 })));
    }

    [Fact]
    public void Values_come_back_from_the_typed_lists()
    {
        TensorProto floats = new() { Name = "f", DataType = (int)DataType.Float, Dims = { 2 }, FloatData = { 3f, 4f } };
        TensorProto bytes = new() { Name = "b", DataType = (int)DataType.Int8, Dims = { 2 }, Int32Data = { -3, 4 } };

        Assert.Equal([3f, 4f], TensorData.Floats(floats));
        Assert.Equal(new sbyte[] { -3, 4 }, TensorData.Int8s(bytes));
    }

    [Fact]
    public void A_tensor_of_another_type_or_size_is_refused_by_name()
    {
        TensorProto tensor = TensorData.Create("weights", [2], new float[] { 1, 2 });

        Assert.Contains("'weights': expected Int64, found Float", Assert.Throws<InvalidModelException>(() => TensorData.Int64s(tensor)).Message, StringComparison.Ordinal);
        tensor.Dims[0] = 3;
        Assert.Contains("8 bytes stored, its shape needs 12", Assert.Throws<InvalidModelException>(() => TensorData.Floats(tensor)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { }, 1)]
    [InlineData(new long[] { 0, long.MaxValue, long.MaxValue }, 0)]
    [InlineData(new long[] { 3, 4 }, 12)]
    public void Shapes_have_a_size(long[] dims, long expected) => Assert.Equal(expected, TensorSize.ElementCount(dims));

    [Theory]
    [InlineData(new long[] { -1 })]
    [InlineData(new long[] { long.MaxValue, 2 })]
    [InlineData(new long[] { long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue })]
    public void Shapes_without_a_size_have_none(long[] dims) => Assert.Null(TensorSize.ElementCount(dims));
}
