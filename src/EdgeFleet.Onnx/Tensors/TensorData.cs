using System.Runtime.InteropServices;
using EdgeFleet.Onnx.Schema;
using Google.Protobuf;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Tensors;

/// <summary>
/// Typed views of stored tensors. The format has two places for values, a raw little-endian block and one typed list
/// per family of types; both are read, raw is written.
/// </summary>
public static class TensorData
{
    public static float[] Floats(TensorProto tensor, string? folder = null)
    {
        Require(tensor, DataType.Float);
        return Bytes(tensor, folder) is { } raw ? Cast<float>(tensor, raw) : Checked(tensor, [.. tensor.FloatData]);
    }

    public static long[] Int64s(TensorProto tensor, string? folder = null)
    {
        Require(tensor, DataType.Int64);
        return Bytes(tensor, folder) is { } raw ? Cast<long>(tensor, raw) : Checked(tensor, [.. tensor.Int64Data]);
    }

    public static int[] Int32s(TensorProto tensor, string? folder = null)
    {
        Require(tensor, DataType.Int32);
        return Bytes(tensor, folder) is { } raw ? Cast<int>(tensor, raw) : Checked(tensor, [.. tensor.Int32Data]);
    }

    public static sbyte[] Int8s(TensorProto tensor, string? folder = null)
    {
        Require(tensor, DataType.Int8);
        return Bytes(tensor, folder) is { } raw
            ? Cast<sbyte>(tensor, raw)
            : Checked(tensor, [.. tensor.Int32Data.Select(value => (sbyte)value)]);
    }

    public static byte[] UInt8s(TensorProto tensor, string? folder = null)
    {
        Require(tensor, DataType.Uint8);
        return Bytes(tensor, folder) is { } raw
            ? Cast<byte>(tensor, raw)
            : Checked(tensor, [.. tensor.Int32Data.Select(value => (byte)value)]);
    }

    public static TensorProto Create(string name, ReadOnlySpan<long> dims, ReadOnlySpan<float> values) =>
        Create(name, dims, values, DataType.Float);

    public static TensorProto Create(string name, ReadOnlySpan<long> dims, ReadOnlySpan<long> values) =>
        Create(name, dims, values, DataType.Int64);

    public static TensorProto Create(string name, ReadOnlySpan<long> dims, ReadOnlySpan<int> values) =>
        Create(name, dims, values, DataType.Int32);

    public static TensorProto Create(string name, ReadOnlySpan<long> dims, ReadOnlySpan<sbyte> values) =>
        Create(name, dims, values, DataType.Int8);

    public static TensorProto Create(string name, ReadOnlySpan<long> dims, ReadOnlySpan<byte> values) =>
        Create(name, dims, values, DataType.Uint8);

    private static TensorProto Create<T>(string name, ReadOnlySpan<long> dims, ReadOnlySpan<T> values, DataType type)
        where T : unmanaged
    {
        TensorProto tensor = new() { Name = name, DataType = (int)type };
        foreach (long dim in dims)
        {
            tensor.Dims.Add(dim);
        }

        if (TensorSize.Elements(tensor) != values.Length)
        {
            throw new ArgumentException($"tensor '{name}': shape [{string.Join(", ", tensor.Dims)}] does not hold {values.Length} values");
        }

        // The format is little-endian, and so is every machine that .NET runs on.
        tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values));
        return tensor;
    }

    private static byte[]? Bytes(TensorProto tensor, string? folder) =>
        ExternalReference.Of(tensor) is { } reference ? ExternalReference.Read(tensor, reference, folder)
        : tensor.HasRawData ? tensor.RawData.ToByteArray()
        : null;

    private static T[] Cast<T>(TensorProto tensor, byte[] raw)
        where T : unmanaged
    {
        long expected = TensorSize.Bytes(tensor);
        return raw.Length == expected
            ? MemoryMarshal.Cast<byte, T>(raw).ToArray()
            : throw new InvalidModelException($"tensor '{tensor.Name}': {raw.Length} bytes stored, its shape needs {expected}");
    }

    private static T[] Checked<T>(TensorProto tensor, T[] values) =>
        values.Length == TensorSize.Elements(tensor)
            ? values
            : throw new InvalidModelException($"tensor '{tensor.Name}': {values.Length} values stored, its shape needs {TensorSize.Elements(tensor)}");

    private static void Require(TensorProto tensor, DataType type)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.DataType != (int)type)
        {
            throw new InvalidModelException($"tensor '{tensor.Name}': expected {type}, found {(DataType)tensor.DataType}");
        }
    }
}
