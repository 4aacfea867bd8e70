using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Passes;

/// <summary>Checks of what a recipe says of a model that it is only now put to.</summary>
internal static class NamedNodes
{
    /// <summary>A name with a slip of the pen would leave the node that was meant as it is, and nobody would notice.</summary>
    /// <returns>Null where every name is that of a node.</returns>
    public static string? FirstUnknown(PassContext context, IReadOnlySet<string> names)
    {
        HashSet<string> known = [.. context.Model.Graph.Node.Select(node => node.Name)];
        string? unknown = names.Order(StringComparer.Ordinal).FirstOrDefault(name => !known.Contains(name));
        return unknown is null ? null : $"exclude names '{unknown}', and model '{context.ModelName}' has no such node at this pass";
    }

    /// <summary>Why a model has nothing to round, where that can be seen.</summary>
    public static string? WhyNoFloatWeights(PassContext context) =>
        context.Model.Graph.Node.Count(node => node.OpType == "DequantizeLinear") is > 0 and var quantized
            ? $"the model is quantized already ({quantized} DequantizeLinear nodes); begin with the float model"
            : context.Model.Graph.Initializer.Any(tensor => tensor.DataType == (int)TensorProto.Types.DataType.Float16)
            ? "the model's weights are FP16; begin with the FP32 model"
            : null;
}
