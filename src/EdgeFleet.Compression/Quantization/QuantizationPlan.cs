using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;

namespace EdgeFleet.Compression.Quantization;

/// <summary>How a node takes part.</summary>
internal enum QuantizedRole
{
    /// <summary>Has constant weights; where the gain is.</summary>
    Weighted,

    /// <summary>Has an 8 bit kernel with a scale of its own for the output.</summary>
    Computes,

    /// <summary>Moves values without changing them; the output has the codes of the input.</summary>
    Moves,
}

/// <param name="Activation">A Relu or Clip behind it that the runtime fuses into the codes of the output.</param>
/// <param name="Output">The tensor that is quantized behind it, or null where the result stays float.</param>
internal sealed record QuantizedNode(NodeProto Node, QuantizedRole Role, WeightedNode? Weighted, NodeProto? Activation, string Result)
{
    public string? Output { get; set; }

    /// <summary>Which inputs carry activations.</summary>
    public IReadOnlyList<int> ActivationInputs => Role == QuantizedRole.Computes ? [.. Enumerable.Range(0, Node.Input.Count)] : [0];
}

/// <summary>
/// Decides which nodes run on 8 bits. Nodes with weights do. The others do where they stand between such nodes, so that values
/// need not become floats and codes again; and only if the runtime has a kernel that takes their quantize and dequantize
/// nodes away, as read in ONNX Runtime's qdq_selector_action_transformer.cc. Everything else stays float.
/// </summary>
internal sealed class QuantizationPlan
{
    /// <summary>Grey and colour images, spectrograms: what the first convolution of a network reads.</summary>
    private const int NarrowChannels = 3;

    private static readonly HashSet<string> s_computes = ["Add", "Mul", "AveragePool", "GlobalAveragePool", "LeakyRelu", "Concat"];
    private static readonly HashSet<string> s_moves = ["MaxPool", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze"];
    private readonly GraphEditor _editor;
    private readonly Dictionary<string, string> _sourceOfCodes = new(StringComparer.Ordinal);

    private readonly bool _keepNarrowInputs;

    private QuantizationPlan(GraphEditor editor, bool keepNarrowInputs)
    {
        _editor = editor;
        _keepNarrowInputs = keepNarrowInputs;
    }

    public List<QuantizedNode> Nodes { get; private set; } = [];

    /// <summary>Why each node with weights that is not quantized is left alone.</summary>
    public List<(NodeProto Node, string Reason)> Kept { get; } = [];

    /// <param name="keepNarrowInputs">Whether convolutions over very few channels stay float.</param>
    public static QuantizationPlan Of(GraphEditor editor, IReadOnlySet<string> excluded, bool keepNarrowInputs)
    {
        QuantizationPlan plan = new(editor, keepNarrowInputs);
        plan.Choose(excluded);
        plan.DropWhatLeadsNowhere();
        plan.DecideOutputs();
        return plan;
    }

    /// <summary>The tensor whose range gives a quantized tensor its codes: itself, unless it was only moved.</summary>
    public string CodesOf(string tensor)
    {
        while (_sourceOfCodes.TryGetValue(tensor, out string? source))
        {
            tensor = source;
        }

        return tensor;
    }

    /// <summary>Every tensor that gets codes, in the order of the graph.</summary>
    public IReadOnlyList<string> QuantizedTensors()
    {
        List<string> tensors = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (QuantizedNode node in Nodes)
        {
            foreach (string input in node.ActivationInputs.Select(index => node.Node.Input[index]).Where(seen.Add))
            {
                tensors.Add(input);
            }

            if (node.Output is { } output && seen.Add(output))
            {
                tensors.Add(output);
            }
        }

        return tensors;
    }

    /// <summary>Where a Clip behind the node that makes this tensor cuts, or infinity.</summary>
    public float CeilingOf(string tensor) =>
        Nodes.FirstOrDefault(node => node.Output == tensor)?.Activation is { OpType: "Clip" } clip && ClipBounds(clip) is { } bounds
            ? bounds.High
            : float.PositiveInfinity;

    private void Choose(IReadOnlySet<string> excluded)
    {
        HashSet<string> coded = new(StringComparer.Ordinal);
        foreach (NodeProto node in _editor.Graph.Node)
        {
            WeightedNode? weighted = WeightedNode.Of(_editor, node);
            string? whyNot = excluded.Contains(node.Name) ? "the recipe excludes it" : weighted is null ? null : WhyNot(weighted);
            if (weighted is not null && whyNot is not null)
            {
                Kept.Add((node, whyNot));
                continue;
            }

            QuantizedRole? role = weighted is not null ? QuantizedRole.Weighted : whyNot is null ? RoleOf(node, coded) : null;
            if (role is { } known)
            {
                NodeProto? activation = known == QuantizedRole.Moves ? null : FusedActivation(node);
                QuantizedNode quantized = new(node, known, weighted, activation, (activation ?? node).Output[0]);
                Nodes.Add(quantized);
                coded.Add(quantized.Result);
                // What it reads gets codes too, also where a float node makes it.
                coded.Add(node.Input[0]);
            }
        }
    }

    private static QuantizedRole? RoleOf(NodeProto node, HashSet<string> coded)
    {
        if (node.Domain is not ("" or "ai.onnx") || node.Output.Count(output => output.Length > 0) != 1 || node.Input.Count == 0)
        {
            return null;
        }

        // An element-wise operation on a constant would need codes for the constant as well; no kernel gains by it.
        if (s_computes.Contains(node.OpType) && node.Input.All(coded.Contains))
        {
            return QuantizedRole.Computes;
        }

        return s_moves.Contains(node.OpType) && coded.Contains(node.Input[0]) ? QuantizedRole.Moves : null;
    }

    private string? WhyNot(WeightedNode weighted)
    {
        NodeProto node = weighted.Node;
        if (node.OpType == "ConvTranspose")
        {
            return "the runtime has no 8 bit kernel for it";
        }

        if (_keepNarrowInputs && node.OpType == "Conv" && node.Int("group", 1) == 1 && weighted.Weights.Dims[1] <= NarrowChannels)
        {
            return $"it reads {weighted.Weights.Dims[1]} channel(s), where 8 bit kernels are slower than float ones";
        }

        if (node.OpType == "Gemm" && (node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1 || node.Int("transA", 0) != 0))
        {
            return "its alpha, beta or transA has no 8 bit kernel";
        }

        if (node.OpType != "MatMul" && node.Input.Count > 2 && node.Input[2].Length > 0)
        {
            TensorProto? bias = _editor.Constant(node.Input[2]);
            int channels = weighted.Layout().Channels;
            if (bias is not { DataType: (int)TensorProto.Types.DataType.Float } || TensorSize.Elements(bias) != channels)
            {
                return "its bias is not one constant per channel";
            }
        }

        return null;
    }

    private NodeProto? FusedActivation(NodeProto node)
    {
        string result = node.Output[0];
        if (_editor.IsGraphOutput(result) || _editor.Uses(result) is not [{ Input: 0 } use])
        {
            return null;
        }

        return use.Node.OpType == "Relu" || (use.Node.OpType == "Clip" && ClipBounds(use.Node) is { Low: 0 }) ? use.Node : null;
    }

    private (float Low, float High)? ClipBounds(NodeProto clip)
    {
        if (clip.Input.Count < 3 || _editor.Constant(clip.Input[1]) is not { } low || _editor.Constant(clip.Input[2]) is not { } high)
        {
            return null;
        }

        return (TensorData.Floats(low)[0], TensorData.Floats(high)[0]);
    }

    /// <summary>A node without weights stays only if its result reaches one that stays.</summary>
    private void DropWhatLeadsNowhere()
    {
        HashSet<NodeProto> stays = new(ReferenceEqualityComparer.Instance);
        for (int i = Nodes.Count - 1; i >= 0; i--)
        {
            QuantizedNode node = Nodes[i];
            if (node.Role == QuantizedRole.Weighted || _editor.Uses(node.Result).Any(use => stays.Contains(use.Node)))
            {
                stays.Add(node.Node);
            }
            else
            {
                Nodes.RemoveAt(i);
            }
        }

    }

    private void DecideOutputs()
    {
        HashSet<NodeProto> chosen = new(Nodes.Select(node => node.Node), ReferenceEqualityComparer.Instance);
        foreach (QuantizedNode node in Nodes)
        {
            bool read = _editor.Uses(node.Result).Any(use => chosen.Contains(use.Node));
            // Products can be given out as floats by their 8 bit kernels; a convolution cannot.
            bool mayStayFloat = node.Node.OpType is "Gemm" or "MatMul";
            node.Output = read || !mayStayFloat ? node.Result : null;
            if (node.Role == QuantizedRole.Moves)
            {
                _sourceOfCodes[node.Result] = node.Node.Input[0];
            }
        }
    }
}
