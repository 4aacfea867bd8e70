using EdgeFleet.Core.Artifacts;
using EdgeFleet.Onnx.Schema;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Contracts;

/// <summary>The contract of a graph: its inputs and outputs as an application sees them.</summary>
public static class ContractReader
{
    /// <exception cref="InvalidModelException">An input or output is not a tensor, or of a type that no application can send.</exception>
    public static ModelContract Read(OnnxModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        HashSet<string> initializers = [.. model.Graph.Initializer.Select(tensor => tensor.Name)];
        return Read(model.Graph.Input, model.Graph.Output, initializers);
    }

    /// <param name="initializers">Models of IR version 3 list their weights as inputs too; those are no inputs of the contract.</param>
    internal static ModelContract Read(
        IEnumerable<ValueInfoProto> inputs, IEnumerable<ValueInfoProto> outputs, IReadOnlySet<string> initializers) =>
        new(
            [.. inputs.Where(input => !initializers.Contains(input.Name)).Select(input => Spec("input", input))],
            [.. outputs.Select(output => Spec("output", output))]);

    private static TensorSpec Spec(string what, ValueInfoProto value)
    {
        if (value.Type?.TensorType is not { } tensor)
        {
            throw new InvalidModelException($"{what} '{value.Name}' is not a tensor");
        }

        string type = ElementTypeName(tensor.ElemType)
            ?? throw new InvalidModelException($"{what} '{value.Name}': element type {(DataType)tensor.ElemType} has no name in the inference protocol");
        TensorShapeProto shape = tensor.Shape
            ?? throw new InvalidModelException($"{what} '{value.Name}' states no shape");
        return new TensorSpec(value.Name, type, [.. shape.Dim.Select(Dimension)]);
    }

    /// <summary>A named or missing dimension is free.</summary>
    private static long Dimension(TensorShapeProto.Types.Dimension dimension) =>
        dimension.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue && dimension.DimValue >= 0
            ? dimension.DimValue
            : -1;

    /// <summary>The Open Inference Protocol's name of an element type, or null where it has none.</summary>
    public static string? ElementTypeName(int dataType) => (DataType)dataType switch
    {
        DataType.Bool => "BOOL",
        DataType.Uint8 => "UINT8",
        DataType.Uint16 => "UINT16",
        DataType.Uint32 => "UINT32",
        DataType.Uint64 => "UINT64",
        DataType.Int8 => "INT8",
        DataType.Int16 => "INT16",
        DataType.Int32 => "INT32",
        DataType.Int64 => "INT64",
        DataType.Float16 => "FP16",
        DataType.Bfloat16 => "BF16",
        DataType.Float => "FP32",
        DataType.Double => "FP64",
        DataType.String => "BYTES",
        _ => null,
    };
}
