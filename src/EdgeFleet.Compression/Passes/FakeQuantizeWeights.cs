using System.Globalization;
using EdgeFleet.Compression.Quantization;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;

namespace EdgeFleet.Compression.Passes;

/// <summary>
/// Rounds weights to so many bits and keeps them as floats: the file gets no smaller and no faster, only as wrong as a real
/// format of that width would be. For finding out how many bits a model needs, and for harm on purpose.
/// </summary>
internal sealed class FakeQuantizeWeights : ICompressionPass
{
    public string Id => "fake-quantize-weights";

    public string Summary => "Rounds weights to a number of bits and stores them as floats: the harm of a format without its gain.";

    public IReadOnlyList<PassParameter> Parameters { get; } =
    [
        PassParameter.Integer("bits", 8, 2, 8, "width of a weight"),
        PassParameter.Choice("granularity", "tensor", "what shares a scale", "tensor", "channel"),
        PassParameter.Names("exclude", "names of nodes to leave alone"),
    ];

    public string? WhyNot(PassContext context, PassSettings settings) =>
        NamedNodes.FirstUnknown(context, settings.Names("exclude")) is { } unknown ? unknown
            : context.Model.Graph.Node.Any(node => WeightedNode.Of(context.Editor, node) is not null)
            ? null
            : NamedNodes.WhyNoFloatWeights(context) ?? "no Conv, ConvTranspose, Gemm or MatMul has constant weights";

    public void Apply(PassContext context, PassSettings settings)
    {
        int largestCode = (1 << (settings.Integer("bits") - 1)) - 1;
        bool perChannel = settings.Text("granularity") == "channel";
        IReadOnlySet<string> excluded = settings.Names("exclude");
        HashSet<string> done = new(StringComparer.Ordinal);
        double worst = double.PositiveInfinity;
        foreach (NodeProto node in context.Model.Graph.Node)
        {
            // Weights that two nodes share are rounded once.
            if (WeightedNode.Of(context.Editor, node) is not { } weighted || excluded.Contains(node.Name) || !done.Add(weighted.Weights.Name))
            {
                continue;
            }

            float[] exact = TensorData.Floats(weighted.Weights);
            (int channels, int stride) = perChannel ? weighted.Layout() : (1, 1);
            float[] rounded = SymmetricWeights.Of(exact, channels, stride, largestCode, []).ToFloats(stride);
            context.Editor.Replace(TensorData.Create(weighted.Weights.Name, [.. weighted.Weights.Dims], rounded));
            double ratio = SymmetricWeights.SignalToNoiseDb(exact, rounded);
            worst = Math.Min(worst, ratio);
            context.Decide(node, "rounded", string.Create(CultureInfo.InvariantCulture, $"{settings.Integer("bits")} bits, {channels} scale(s), {ratio:0.0} dB"));
        }

        context.Measure("roundedTensors", done.Count);
        if (double.IsFinite(worst))
        {
            context.Measure("worstWeightSignalToNoiseDb", Math.Round(worst, 2));
        }
    }
}
