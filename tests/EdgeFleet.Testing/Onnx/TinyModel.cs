using System.Runtime.InteropServices;
using System.Text;

namespace EdgeFleet.Testing.Onnx;

/// <summary>
/// Small ONNX models written byte by byte, so that a test of the runtime depends on no other code of ours that writes ONNX.
/// Field numbers are those of onnx.proto3.
/// </summary>
public sealed class TinyModel
{
    private const int Float = 1;
    private const int Int64 = 7;
    private readonly MemoryStream _nodes = new();
    private readonly MemoryStream _values = new();

    /// <summary>y = x + bias. With <paramref name="rows"/> -1 the first dimension is free.</summary>
    public static byte[] AddBias(float[] bias, long rows = 1, string input = "x", string output = "y") => new TinyModel()
        .Weights("bias", [bias.Length], bias)
        .Node("Add", [input, "bias"], output)
        .Graph(input, [rows, bias.Length], output, [rows, bias.Length]);

    /// <summary>y = a + b: two inputs.</summary>
    public static byte[] Sum(int width)
    {
        TinyModel model = new TinyModel().Node("Add", ["a", "b"], "y");
        return model.Graph("a", [1, width], "y", [1, width], second: "b");
    }

    /// <summary>y = x of any element type, given by its number in ONNX. With <paramref name="rows"/> -1 the first dimension is free.</summary>
    public static byte[] Identity(int type, int width, long rows = 1) =>
        new TinyModel().Node("Identity", ["x"], "y").Graph("x", [rows, width], "y", [rows, width], type, type);

    /// <summary>y = sqrt(x): finite on zeros, not a number on anything negative.</summary>
    public static byte[] SquareRoot(int width) => new TinyModel().Node("Sqrt", ["x"], "y").Graph("x", [1, width], "y", [1, width]);

    /// <summary>y = x·W·W…, W the identity divided by nothing: the output is the input, after as much work as is asked for.</summary>
    public static byte[] Work(int width, int multiplications)
    {
        float[] identity = new float[width * width];
        for (int i = 0; i < width; i++)
        {
            identity[(i * width) + i] = 1;
        }
        TinyModel model = new TinyModel().Weights("w", [width, width], identity);
        for (int i = 0; i < multiplications; i++)
        {
            model.Node("MatMul", [i == 0 ? "x" : $"h{i}", "w"], i == multiplications - 1 ? "y" : $"h{i + 1}");
        }
        return model.Graph("x", [1, width], "y", [1, width]);
    }

    /// <summary>The indices of what is not zero: an output whose shape depends on the values.</summary>
    public static byte[] NonZero(int width) => new TinyModel().Node("NonZero", ["x"], "y").Graph("x", [width], "y", [1, -1], Int64);

    /// <summary>What <see cref="NonZero"/> says of e to the power of x: every index, so that the shape never varies.</summary>
    public static byte[] NonZeroOfPowers(int width) =>
        new TinyModel().Node("Exp", ["x"], "powers").Node("NonZero", ["powers"], "y").Graph("x", [width], "y", [1, -1], Int64);

    /// <summary>y = table[x]: it fails on a place that the table has not.</summary>
    public static byte[] Lookup(params float[] table) =>
        new TinyModel().Weights("table", [table.Length], table).Node("Gather", ["table", "x"], "y").Graph("x", [1], "y", [1], inputType: Int64);

    /// <summary>Blows the input up to so many floats before it sums them again.</summary>
    public static byte[] Hungry(long floats)
    {
        long[] shape = [floats / 1024, 1024];
        return new TinyModel()
            .Weights("shape", [2], MemoryMarshal.AsBytes<long>(shape), Int64)
            .Node("Expand", ["x", "shape"], "wide")
            .Node("Exp", ["wide"], "wider")
            .Node("ReduceMean", ["wider"], "y")
            .Graph("x", [1, 1], "y", [1, 1]);
    }

    private TinyModel Weights(string name, long[] shape, float[] values) => Weights(name, shape, MemoryMarshal.AsBytes<float>(values), Float);

    private TinyModel Weights(string name, long[] shape, ReadOnlySpan<byte> raw, int type)
    {
        MemoryStream tensor = new();
        foreach (long size in shape)
        {
            Number(tensor, 1, size);
        }
        Number(tensor, 2, type);
        Text(tensor, 8, name);
        Bytes(tensor, 9, raw);
        Message(_values, 5, tensor);
        return this;
    }

    private TinyModel Node(string type, string[] inputs, string output)
    {
        MemoryStream node = new();
        foreach (string input in inputs)
        {
            Text(node, 1, input);
        }
        Text(node, 2, output);
        Text(node, 3, output + "_" + type);
        Text(node, 4, type);
        Message(_nodes, 1, node);
        return this;
    }

    private byte[] Graph(string input, long[] inputShape, string output, long[] outputShape, int outputType = Float, int inputType = Float, string? second = null)
    {
        MemoryStream graph = new();
        _nodes.WriteTo(graph);
        Text(graph, 2, "tiny");
        _values.WriteTo(graph);
        Message(graph, 11, Value(input, inputType, inputShape));
        if (second is not null)
        {
            Message(graph, 11, Value(second, inputType, inputShape));
        }
        Message(graph, 12, Value(output, outputType, outputShape));

        MemoryStream opset = new();
        Text(opset, 1, "");
        Number(opset, 2, 13);
        MemoryStream model = new();
        Number(model, 1, 8);
        Message(model, 7, graph);
        Message(model, 8, opset);
        return model.ToArray();
    }

    private static MemoryStream Value(string name, int type, long[] shape)
    {
        MemoryStream dimensions = new();
        foreach (long size in shape)
        {
            MemoryStream dimension = new();
            if (size >= 0)
            {
                Number(dimension, 1, size);
            }
            else
            {
                Text(dimension, 2, "N");
            }
            Message(dimensions, 1, dimension);
        }
        MemoryStream tensor = new();
        Number(tensor, 1, type);
        Message(tensor, 2, dimensions);
        MemoryStream wrapped = new();
        Message(wrapped, 1, tensor);
        MemoryStream value = new();
        Text(value, 1, name);
        Message(value, 2, wrapped);
        return value;
    }

    private static void Number(Stream to, int field, long value)
    {
        Varint(to, (ulong)field << 3);
        Varint(to, (ulong)value);
    }

    private static void Text(Stream to, int field, string value) => Bytes(to, field, Encoding.UTF8.GetBytes(value));

    private static void Message(Stream to, int field, MemoryStream message) => Bytes(to, field, message.ToArray());

    private static void Bytes(Stream to, int field, ReadOnlySpan<byte> value)
    {
        Varint(to, ((ulong)field << 3) | 2);
        Varint(to, (ulong)value.Length);
        to.Write(value);
    }

    private static void Varint(Stream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            to.WriteByte((byte)(value | 0x80));
        }
        to.WriteByte((byte)value);
    }
}
