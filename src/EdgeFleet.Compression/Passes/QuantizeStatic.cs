using System.Globalization;
using EdgeFleet.Compression.Opsets;
using EdgeFleet.Compression.Quantization;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;

namespace EdgeFleet.Compression.Passes;

/// <summary>
/// Weights and activations on 8 bits, with ranges learned from data beforehand: int8 weights symmetric per channel, int32
/// biases, activations asymmetric in the type that the target's kernels multiply fastest.
/// </summary>
internal sealed class QuantizeStatic : ICompressionPass
{
    private const int FullCode = 127;
    private const int ReducedCode = 64;

    public string Id => "quantize-static";

    public string Summary => "Weights and activations become 8 bit numbers; ranges come from the calibration rows.";

    public IReadOnlyList<PassParameter> Parameters { get; } =
    [
        PassParameter.Choice("activations", "auto", "type of activations; auto follows the target", "auto", "uint8", "int8"),
        PassParameter.Choice("granularity", "channel", "what shares a scale of the weights", "channel", "tensor"),
        PassParameter.Choice("reduceRange", "auto", "weights within ±64, for x64 without VNNI; auto follows the target", "auto", "true", "false"),
        // With three channels an 8 bit kernel converts more than it multiplies. Six small networks got faster by leaving these
        // float (ONNX Runtime 1.29, x64 with VNNI), on a machine that did other work too: a direction, not a figure.
        PassParameter.Choice("narrowInputs", "float", "convolutions over at most 3 channels, which 8 bit kernels make slower", "float", "quantize"),
        PassParameter.Names("exclude", "names of nodes that stay float"),
    ];

    public string? WhyNot(PassContext context, PassSettings settings)
    {
        if (NamedNodes.FirstUnknown(context, settings.Names("exclude")) is { } unknown)
        {
            return unknown;
        }
        QuantizationPlan plan = Plan(context, settings);
        return plan.Nodes.Count == 0
            ? NamedNodes.WhyNoFloatWeights(context) ?? "no Conv, Gemm or MatMul with constant weights can be quantized"
            : OpsetRaise.WhyNot(context.Model);
    }

    public void Apply(PassContext context, PassSettings settings)
    {
        if (OpsetRaise.Apply(context.Model, context.Editor) is { } raisedFrom)
        {
            context.Measure("raisedOpsetFrom", raisedFrom);
        }

        ActivationFormat format = new(Signed: Setting(settings, "activations", context.Target.Activations) == "int8");
        bool reduced = Setting(settings, "reduceRange", context.Target.ReduceRange ? "true" : "false") == "true";
        QuantizationPlan plan = Plan(context, settings);
        Dictionary<string, ActivationCode> codes = Calibrate(context, plan, format);
        Dictionary<NodeProto, SymmetricWeights> weights = new(ReferenceEqualityComparer.Instance);
        double worst = double.PositiveInfinity;
        foreach (QuantizedNode node in plan.Nodes)
        {
            if (node.Weighted is not { } weighted)
            {
                context.Decide(node.Node, "quantized", node.Role == QuantizedRole.Moves ? "moves codes" : "stands between quantized nodes");
                continue;
            }

            ActivationCode input = codes[plan.CodesOf(node.Node.Input[0])];
            float[] exact = TensorData.Floats(weighted.Weights);
            (int channels, int stride) = settings.Text("granularity") == "channel" ? weighted.Layout() : (1, 1);
            SymmetricWeights rounded = SymmetricWeights.Of(
                exact, channels, stride, reduced ? ReducedCode : FullCode, SmallestScales(context, weighted, channels, input.Scale));
            weights[node.Node] = rounded;
            double ratio = SymmetricWeights.SignalToNoiseDb(exact, rounded.ToFloats(stride));
            worst = Math.Min(worst, ratio);
            context.Decide(node.Node, "quantized", string.Create(
                CultureInfo.InvariantCulture,
                $"{channels} scale(s), weights {ratio:0.0} dB, input scale {input.Scale:g4} zero {input.ZeroPoint}{(node.Output is null ? ", result float" : "")}"));
        }

        foreach ((NodeProto node, string reason) in plan.Kept)
        {
            context.Decide(node, "kept float", reason);
        }

        new QdqWriter(context.Editor, plan, format, codes).Write(weights);
        context.Measure("quantizedNodes", plan.Nodes.Count);
        context.Measure("keptFloatNodes", plan.Kept.Count);
        context.Measure("calibrationRows", context.Rows.Chosen.Count);
        if (double.IsFinite(worst))
        {
            context.Measure("worstWeightSignalToNoiseDb", Math.Round(worst, 2));
        }
    }

    private static QuantizationPlan Plan(PassContext context, PassSettings settings) =>
        QuantizationPlan.Of(context.Editor, settings.Names("exclude"), keepNarrowInputs: settings.Text("narrowInputs") == "float");

    private static string Setting(PassSettings settings, string name, string automatic) =>
        settings.Text(name) is not "auto" and var chosen ? chosen : automatic;

    private static Dictionary<string, ActivationCode> Calibrate(PassContext context, QuantizationPlan plan, ActivationFormat format)
    {
        string[] tensors = [.. plan.QuantizedTensors().Select(plan.CodesOf).Distinct()];
        IReadOnlyDictionary<string, ValueRange> ranges =
            ActivationRanges.Observe(context.Model, context.ModelName, tensors, context.Rows, context.CancellationToken);
        return tensors.ToDictionary(tensor => tensor, tensor => format.Map(ranges[tensor], plan.CeilingOf(tensor)), StringComparer.Ordinal);
    }

    /// <summary>
    /// A bias is stored in units of the product of both scales, in 32 bits. Where a channel's weights are tiny and its bias
    /// is not, the weights' scale must grow until the bias fits; clipping the bias would ruin the channel silently.
    /// </summary>
    private static double[] SmallestScales(PassContext context, WeightedNode weighted, int channels, float inputScale)
    {
        const double Margin = 1.0001;
        double[] smallest = new double[channels];
        NodeProto node = weighted.Node;
        if (node.OpType == "MatMul" || node.Input.Count < 3 || node.Input[2].Length == 0)
        {
            return smallest;
        }

        float[] bias = TensorData.Floats(context.Editor.Constant(node.Input[2])!);
        for (int i = 0; i < bias.Length; i++)
        {
            int channel = channels == 1 ? 0 : i;
            smallest[channel] = Math.Max(smallest[channel], Math.Abs(bias[i]) * Margin / int.MaxValue / inputScale);
        }

        return smallest;
    }
}
