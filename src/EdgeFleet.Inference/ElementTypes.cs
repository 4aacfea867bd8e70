using Microsoft.ML.OnnxRuntime.Tensors;

namespace EdgeFleet.Inference;

/// <summary>
/// Element types by the Open Inference Protocol's name, which contracts use, with their width and ONNX's number
/// (TensorProto.DataType, which ONNX Runtime's enumeration follows).
/// </summary>
public static class ElementTypes
{
    private static readonly (string Name, TensorElementType Onnx, int Width)[] s_types =
    [
        ("FP32", TensorElementType.Float, 4),
        ("UINT8", TensorElementType.UInt8, 1),
        ("INT8", TensorElementType.Int8, 1),
        ("UINT16", TensorElementType.UInt16, 2),
        ("INT16", TensorElementType.Int16, 2),
        ("INT32", TensorElementType.Int32, 4),
        ("INT64", TensorElementType.Int64, 8),
        ("BOOL", TensorElementType.Bool, 1),
        ("FP16", TensorElementType.Float16, 2),
        ("FP64", TensorElementType.Double, 8),
        ("UINT32", TensorElementType.UInt32, 4),
        ("UINT64", TensorElementType.UInt64, 8),
        ("BF16", TensorElementType.BFloat16, 2),
    ];

    public static bool IsKnown(string name) => Array.Exists(s_types, type => type.Name == name);

    /// <summary>Bytes of one element.</summary>
    /// <exception cref="ArgumentException">The name is not one of the protocol's types of fixed width.</exception>
    public static int WidthOf(string name) => Find(name).Width;

    /// <summary>ONNX's TensorProto.DataType.</summary>
    public static int OnnxNumberOf(string name) => (int)Find(name).Onnx;

    /// <summary>The name of ONNX's TensorProto.DataType, or null for one without a fixed width.</summary>
    public static string? NameOf(int onnxNumber) => NameOf((TensorElementType)onnxNumber);

    internal static string? NameOf(TensorElementType type) => Array.Find(s_types, known => known.Onnx == type).Name;

    internal static TensorElementType OnnxOf(string name) => Find(name).Onnx;

    private static (string Name, TensorElementType Onnx, int Width) Find(string name)
    {
        foreach ((string Name, TensorElementType Onnx, int Width) type in s_types)
        {
            if (type.Name == name)
            {
                return type;
            }
        }
        throw new ArgumentException($"element type '{name}' is not one of {string.Join(", ", s_types.Select(type => type.Name))}", nameof(name));
    }
}
