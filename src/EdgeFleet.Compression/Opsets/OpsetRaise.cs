using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Opsets;

/// <summary>
/// Scales per channel came with operator set 13. An older model is brought there: most operators mean the same in both,
/// some need another form, and a model with any other one is refused; writing a number over it would change or break it.
/// </summary>
internal static class OpsetRaise
{
    public const long Needed = 13;

    /// <summary>Before that, element-wise operators broadcast in another way.</summary>
    private const long Oldest = 7;

    /// <summary>The operator set from which on an operator means what it means in 13, with the inputs and attributes it had.</summary>
    private static readonly Dictionary<string, long> s_unchangedSince = new(StringComparer.Ordinal)
    {
        ["Abs"] = 6, ["Add"] = 7, ["And"] = 7, ["AveragePool"] = 7, ["BatchNormalization"] = 9, ["Cast"] = 6, ["Ceil"] = 6, ["Clip"] = 11,
        ["Concat"] = 4, ["Constant"] = 1, ["ConstantOfShape"] = 9, ["Conv"] = 1, ["ConvTranspose"] = 1, ["DepthToSpace"] = 1, ["Div"] = 7,
        ["Elu"] = 6, ["Equal"] = 7, ["Erf"] = 9, ["Exp"] = 6, ["Expand"] = 8, ["Flatten"] = 1, ["Floor"] = 6, ["Gather"] = 1, ["Gemm"] = 7,
        ["GlobalAveragePool"] = 1, ["GlobalMaxPool"] = 1, ["Greater"] = 7, ["HardSigmoid"] = 6, ["Identity"] = 1,
        ["InstanceNormalization"] = 6, ["LRN"] = 1, ["LeakyRelu"] = 6, ["Less"] = 7, ["Log"] = 6, ["MatMul"] = 1, ["Max"] = 8,
        ["MaxPool"] = 1, ["Mean"] = 8, ["Min"] = 8, ["Mul"] = 7, ["Neg"] = 6, ["Not"] = 1, ["Or"] = 7, ["PRelu"] = 7, ["Pad"] = 11,
        ["Pow"] = 7, ["Reciprocal"] = 6, ["ReduceMax"] = 1, ["ReduceMean"] = 1, ["ReduceMin"] = 1, ["Relu"] = 6, ["Reshape"] = 5,
        ["Resize"] = 11, ["Selu"] = 6, ["Shape"] = 1, ["Sigmoid"] = 6, ["Slice"] = 10, ["Softplus"] = 1, ["Softsign"] = 1,
        ["SpaceToDepth"] = 1, ["Sqrt"] = 6, ["Sub"] = 7, ["Sum"] = 8, ["Tanh"] = 6, ["Tile"] = 6, ["Transpose"] = 1, ["Where"] = 9,
    };

    /// <summary>Null where the model has operator set 13 or can be brought there.</summary>
    public static string? WhyNot(OnnxModel model)
    {
        long opset = model.OpsetVersion() ?? 0;
        if (opset >= Needed)
        {
            return null;
        }

        string[] unknown =
        [
            .. model.Graph.Node
                .Where(node => node.Domain is "" or "ai.onnx")
                .Where(node => opset < Oldest || HoldsGraph(node) || !(MeansTheSame(node, opset) || OperatorRewrites.Knows(node, opset)))
                .Select(node => node.OpType)
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
        return unknown.Length == 0
            ? null
            : $"the model has operator set {opset}, scales per channel need {Needed}, and {string.Join(", ", unknown)} cannot be brought there; export it with opset_version={Needed} or newer";
    }

    /// <summary>Returns the operator set that was replaced, or null where nothing had to be done.</summary>
    public static long? Apply(OnnxModel model, GraphEditor editor)
    {
        long opset = model.OpsetVersion() ?? 0;
        if (opset >= Needed)
        {
            return null;
        }

        foreach (NodeProto node in model.Graph.Node.Where(node => !MeansTheSame(node, opset)).ToArray())
        {
            OperatorRewrites.Apply(editor, node, opset);
        }

        foreach (OperatorSetIdProto import in model.Proto.OpsetImport.Where(import => import.Domain is "" or "ai.onnx"))
        {
            import.Version = Needed;
        }

        editor.Refresh();
        return opset;
    }

    private static bool MeansTheSame(NodeProto node, long opset) =>
        node.Domain is not ("" or "ai.onnx") || (s_unchangedSince.TryGetValue(node.OpType, out long since) && since <= opset);

    private static bool HoldsGraph(NodeProto node) => node.Attribute.Any(attribute => attribute.G is not null || attribute.Graphs.Count > 0);
}
