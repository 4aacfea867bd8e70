using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Quantization;

/// <summary>A node that multiplies its input by constant weights, and the axis of the weights that counts its outputs.</summary>
/// <param name="Axis">Null where the outputs are not along one axis; then one scale serves all weights.</param>
internal sealed record WeightedNode(NodeProto Node, TensorProto Weights, int? Axis)
{
    /// <summary>Null for nodes of another kind, and for weights that are not constants of FP32.</summary>
    public static WeightedNode? Of(GraphEditor editor, NodeProto node)
    {
        if (node.OpType is not ("Conv" or "ConvTranspose" or "Gemm" or "MatMul") || node.Domain is not ("" or "ai.onnx") || node.Input.Count < 2)
        {
            return null;
        }

        if (editor.Constant(node.Input[1]) is not { DataType: (int)TensorProto.Types.DataType.Float } weights
            || editor.Initializer(node.Input[0]) is not null)
        {
            return null;
        }

        int? axis = (node.OpType, weights.Dims.Count) switch
        {
            ("Conv", >= 2) => 0,
            // Grouped transposed convolutions count their outputs along two axes.
            ("ConvTranspose", >= 2) => node.Int("group", 1) == 1 ? 1 : null,
            ("Gemm", 2) => node.Int("transB", 0) == 1 ? 0 : 1,
            ("MatMul", 2) => 1,
            _ => null,
        };
        return new WeightedNode(node, weights, axis);
    }

    /// <summary>How often each index along the axis comes, and how far apart: element i belongs to channel i / Stride % Channels.</summary>
    public (int Channels, int Stride) Layout()
    {
        if (Axis is not { } axis)
        {
            return (1, 1);
        }

        int stride = 1;
        for (int i = axis + 1; i < Weights.Dims.Count; i++)
        {
            stride *= (int)Weights.Dims[i];
        }

        return ((int)Weights.Dims[axis], stride);
    }
}
