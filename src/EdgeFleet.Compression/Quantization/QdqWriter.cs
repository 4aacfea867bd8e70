using System.Globalization;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;

namespace EdgeFleet.Compression.Quantization;

/// <summary>
/// Writes QuantizeLinear and DequantizeLinear around the nodes of a plan: one quantize per tensor, one dequantize per reader
/// (the runtime fuses a dequantize that two nodes read into neither), so that all that reads a fused node's result comes
/// through the codes. New names are short; on small models they weigh as much as the weights.
/// </summary>
internal sealed class QdqWriter
{
    private readonly GraphEditor _editor;
    private readonly QuantizationPlan _plan;
    private readonly ActivationFormat _format;
    private readonly IReadOnlyDictionary<string, ActivationCode> _codes;
    private readonly Dictionary<string, (string Scale, string Zero)> _parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _zeros = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _quantized = new(StringComparer.Ordinal);
    private readonly List<NodeProto> _nodes = [];

    public QdqWriter(GraphEditor editor, QuantizationPlan plan, ActivationFormat format, IReadOnlyDictionary<string, ActivationCode> codes)
    {
        _editor = editor;
        _plan = plan;
        _format = format;
        _codes = codes;
    }

    /// <param name="weights">Codes and scales of each weighted node.</param>
    public void Write(IReadOnlyDictionary<NodeProto, SymmetricWeights> weights)
    {
        Dictionary<NodeProto, QuantizedNode> chosen = new(ReferenceEqualityComparer.Instance);
        foreach (QuantizedNode node in _plan.Nodes)
        {
            chosen[node.Node] = node;
        }

        HashSet<string> outputs = [.. _plan.Nodes.Where(node => node.Output is not null).Select(node => node.Output!)];
        HashSet<string> quantized = [.. _plan.QuantizedTensors()];
        // Inputs of the graph have no node that makes them; their codes come first.
        foreach (string input in _editor.Graph.Input.Select(input => input.Name).Where(quantized.Contains))
        {
            Quantize(input, input);
        }

        foreach (NodeProto node in _editor.Graph.Node)
        {
            QuantizedNode? plan = chosen.GetValueOrDefault(node);
            string? input = node.Input.FirstOrDefault();
            for (int i = 0; i < node.Input.Count; i++)
            {
                bool isActivation = plan is not null && plan.ActivationInputs.Contains(i);
                // Readers that stay float read codes only of what a fused node makes.
                if (isActivation || outputs.Contains(node.Input[i]))
                {
                    node.Input[i] = Dequantize(node.Input[i]);
                }
            }

            if (plan?.Weighted is { } weighted)
            {
                WriteWeights(weighted, weights[node], _codes[_plan.CodesOf(input!)].Scale);
            }

            _nodes.Add(node);
            foreach (string output in node.Output.Where(quantized.Contains).ToArray())
            {
                QuantizeResult(node, output, isFused: outputs.Contains(output));
            }
        }

        _editor.Graph.Node.Clear();
        _editor.Graph.Node.AddRange(_nodes);
        _editor.RemoveUnused();
    }

    private void QuantizeResult(NodeProto producer, string tensor, bool isFused)
    {
        bool keepsName = _editor.IsGraphOutput(tensor) || _editor.Uses(tensor).Any(use => use.Input < 0);
        if (!isFused || !keepsName)
        {
            Quantize(tensor, tensor);
            return;
        }

        // The runtime fuses only results that nothing but the quantize reads; who knows the tensor by name gets the codes back.
        string raw = _editor.UniqueName("r");
        producer.Output[producer.Output.IndexOf(tensor)] = raw;
        Quantize(tensor, raw);
        NodeProto dequantize = DequantizeNode(tensor);
        dequantize.Output.Add(tensor);
        _nodes.Add(dequantize);
    }

    private void Quantize(string tensor, string source)
    {
        (string scale, string zero) = Parameters(tensor);
        NodeProto node = new() { OpType = "QuantizeLinear", Name = _editor.UniqueName("q") };
        string codes = _editor.UniqueName("c");
        node.Input.AddRange([source, scale, zero]);
        node.Output.Add(codes);
        _quantized[tensor] = codes;
        _nodes.Add(node);
    }

    private string Dequantize(string tensor)
    {
        NodeProto node = DequantizeNode(tensor);
        string values = _editor.UniqueName("d");
        node.Output.Add(values);
        _nodes.Add(node);
        return values;
    }

    private NodeProto DequantizeNode(string tensor)
    {
        (string scale, string zero) = Parameters(tensor);
        NodeProto node = new() { OpType = "DequantizeLinear", Name = _editor.UniqueName("e") };
        node.Input.AddRange([_quantized[tensor], scale, zero]);
        return node;
    }

    private (string Scale, string Zero) Parameters(string tensor)
    {
        string source = _plan.CodesOf(tensor);
        if (!_parameters.TryGetValue(source, out (string Scale, string Zero) parameters))
        {
            ActivationCode code = _codes[source];
            TensorProto scale = TensorData.Create(_editor.UniqueName("s"), [], new float[] { code.Scale });
            _editor.Add(scale);
            _parameters[source] = parameters = (scale.Name, ActivationZero(code.ZeroPoint));
        }

        return parameters;
    }

    private void WriteWeights(WeightedNode weighted, SymmetricWeights weights, float inputScale)
    {
        NodeProto node = weighted.Node;
        long[] dims = [.. weighted.Weights.Dims];
        bool perChannel = weights.Scales.Length > 1;
        TensorProto codes = TensorData.Create(_editor.UniqueName("w"), dims, weights.Codes);
        TensorProto scale = TensorData.Create(_editor.UniqueName("s"), perChannel ? [weights.Scales.Length] : [], weights.Scales);
        _editor.Add(codes);
        _editor.Add(scale);
        node.Input[1] = Constant([codes.Name, scale.Name, WeightZero(perChannel ? weights.Scales.Length : 0)], perChannel ? weighted.Axis : null);
        if (node.OpType == "MatMul" || node.Input.Count < 3 || node.Input[2].Length == 0)
        {
            return;
        }

        float[] exact = TensorData.Floats(_editor.Constant(node.Input[2])!);
        float[] scales = new float[weights.Scales.Length];
        for (int c = 0; c < scales.Length; c++)
        {
            scales[c] = inputScale * weights.Scales[c];
        }

        int[] bias = new int[exact.Length];
        for (int i = 0; i < bias.Length; i++)
        {
            double code = Math.Round(exact[i] / (double)scales[perChannel ? i : 0], MidpointRounding.ToEven);
            // The weights' scale was raised where this could overflow.
            bias[i] = checked((int)code);
        }

        TensorProto biasCodes = TensorData.Create(_editor.UniqueName("b"), [bias.Length], bias);
        TensorProto biasScale = TensorData.Create(_editor.UniqueName("s"), perChannel ? [scales.Length] : [], scales);
        _editor.Add(biasCodes);
        _editor.Add(biasScale);
        node.Input[2] = Constant([biasCodes.Name, biasScale.Name], perChannel ? 0 : null);
    }

    private string Constant(IReadOnlyList<string> inputs, int? axis)
    {
        NodeProto node = new() { OpType = "DequantizeLinear", Name = _editor.UniqueName("e") };
        node.Input.AddRange(inputs);
        node.Output.Add(_editor.UniqueName("d"));
        if (axis is { } known)
        {
            node.With("axis", known);
        }

        _nodes.Add(node);
        return node.Output[0];
    }

    private string ActivationZero(int value) => Zero(
        string.Create(CultureInfo.InvariantCulture, $"{value}"),
        name => _format.Signed ? TensorData.Create(name, [], new sbyte[] { (sbyte)value }) : TensorData.Create(name, [], new byte[] { (byte)value }));

    private string WeightZero(int channels) => Zero(
        string.Create(CultureInfo.InvariantCulture, $"w{channels}"),
        name => TensorData.Create(name, channels == 0 ? [] : [channels], new sbyte[Math.Max(1, channels)]));

    /// <summary>Zero points are few; tensors with the same one share it.</summary>
    private string Zero(string key, Func<string, TensorProto> create)
    {
        if (!_zeros.TryGetValue(key, out string? name))
        {
            TensorProto tensor = create(_editor.UniqueName("z"));
            _editor.Add(tensor);
            _zeros[key] = name = tensor.Name;
        }

        return name;
    }
}
