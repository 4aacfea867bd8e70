using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Quantization;

/// <summary>
/// Scales per channel came with operator set 13. An older model may state 13 where every operator that it uses means the
/// same in both; writing another number over others would change or break it.
/// </summary>
internal static class OpsetRaise
{
    public const long Needed = 13;

    /// <summary>The operator set from which on an operator means what it means in 13, for the inputs and attributes it then had.</summary>
    private static readonly Dictionary<string, long> s_unchangedSince = new(StringComparer.Ordinal)
    {
        ["Add"] = 7, ["AveragePool"] = 7, ["BatchNormalization"] = 9, ["Cast"] = 9, ["Clip"] = 11, ["Concat"] = 4, ["Constant"] = 1,
        ["Conv"] = 1, ["ConvTranspose"] = 1, ["Div"] = 7, ["Exp"] = 6, ["Flatten"] = 9, ["Gather"] = 11, ["Gemm"] = 7,
        ["GlobalAveragePool"] = 1, ["GlobalMaxPool"] = 1, ["HardSigmoid"] = 6, ["Identity"] = 1, ["LeakyRelu"] = 6, ["MatMul"] = 9,
        ["MaxPool"] = 8, ["Mul"] = 7, ["Pad"] = 11, ["PRelu"] = 9, ["Relu"] = 6, ["Reshape"] = 5, ["Shape"] = 1, ["Sigmoid"] = 6,
        ["Slice"] = 11, ["Sqrt"] = 6, ["Sub"] = 7, ["Tanh"] = 6, ["Transpose"] = 1,
    };

    /// <summary>Null where the model has operator set 13 or can be given it.</summary>
    public static string? WhyNot(OnnxModel model)
    {
        long opset = model.OpsetVersion() ?? 0;
        if (opset >= Needed)
        {
            return null;
        }

        string[] changed =
        [
            .. model.Graph.Node
                .Where(node => !s_unchangedSince.TryGetValue(node.OpType, out long since) || since > opset)
                .Where(node => node.Domain is "" or "ai.onnx")
                .Select(node => node.OpType)
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
        return changed.Length == 0
            ? null
            : $"the model has operator set {opset}, scales per channel need {Needed}, and {string.Join(", ", changed)} changed in between; export it with opset_version={Needed} or newer";
    }

    /// <summary>Returns the operator set that was replaced, or null where nothing had to be done.</summary>
    public static long? Apply(OnnxModel model)
    {
        long opset = model.OpsetVersion() ?? 0;
        if (opset >= Needed)
        {
            return null;
        }

        foreach (OperatorSetIdProto import in model.Proto.OpsetImport.Where(import => import.Domain is "" or "ai.onnx"))
        {
            import.Version = Needed;
        }

        return opset;
    }
}
