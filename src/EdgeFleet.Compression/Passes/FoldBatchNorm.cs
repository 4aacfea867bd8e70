using EdgeFleet.Compression.Recipes;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;

namespace EdgeFleet.Compression.Passes;

/// <summary>
/// Conv → BatchNormalization becomes one Conv. In inference the normalisation is y = (x − mean)·gamma/√(variance + epsilon) +
/// beta per channel, which scales the filter of that channel and moves its bias.
/// </summary>
internal sealed class FoldBatchNorm : ICompressionPass
{
    private const float DefaultEpsilon = 1e-5f;

    public string Id => "fold-batchnorm";

    public string Summary => "Conv followed by BatchNormalization becomes one Conv; the outputs stay the same.";

    public IReadOnlyList<PassParameter> Parameters => [];

    public string? WhyNot(PassContext context, PassSettings settings) => null;

    public void Apply(PassContext context, PassSettings settings)
    {
        int folded = 0;
        foreach (NodeProto norm in context.Model.Graph.Node.Where(node => node.OpType == "BatchNormalization").ToArray())
        {
            if (WhyNotFolded(context.Editor, norm) is { } reason)
            {
                context.Decide(norm, "kept", reason);
                continue;
            }

            NodeProto conv = context.Editor.Producer(norm.Input[0])!;
            Fold(context.Editor, conv, norm);
            context.Decide(norm, "folded", $"into '{conv.Name}'");
            folded++;
        }

        context.Editor.RemoveUnused();
        context.Measure("foldedNodes", folded);
    }

    private static string? WhyNotFolded(GraphEditor editor, NodeProto norm)
    {
        if (norm.Int("training_mode", 0) != 0 || norm.Output.Skip(1).Any(output => output.Length > 0))
        {
            return "it is in training mode";
        }

        if (editor.Producer(norm.Input[0]) is not { OpType: "Conv" } conv)
        {
            return $"its input comes from {editor.Producer(norm.Input[0])?.OpType ?? "outside"}, not from a Conv";
        }

        string between = conv.Output[0];
        if (editor.Uses(between).Count != 1 || editor.IsGraphOutput(between))
        {
            return $"'{between}' is also read elsewhere";
        }

        string? variable = norm.Input.Skip(1).Concat(conv.Input.Skip(1)).FirstOrDefault(name => editor.Constant(name) is null);
        if (variable is not null)
        {
            return $"'{variable}' is not a constant";
        }

        long channels = editor.Constant(norm.Input[1])!.Dims.Aggregate(1L, (product, dim) => product * dim);
        long[] filters = [.. editor.Constant(conv.Input[1])!.Dims];
        return filters.Length > 0 && filters[0] == channels ? null : $"it has {channels} channels, the Conv's filters are [{string.Join(", ", filters)}]";
    }

    private static void Fold(GraphEditor editor, NodeProto conv, NodeProto norm)
    {
        float[] Read(string name) => TensorData.Floats(editor.Constant(name)!);
        float[] gamma = Read(norm.Input[1]), beta = Read(norm.Input[2]), mean = Read(norm.Input[3]), variance = Read(norm.Input[4]);
        double epsilon = norm.Float("epsilon", DefaultEpsilon);
        TensorProto weights = editor.Constant(conv.Input[1])!;
        float[] filters = TensorData.Floats(weights);
        int channels = gamma.Length;
        int perChannel = filters.Length / channels;
        float[] bias = conv.Input.Count > 2 ? Read(conv.Input[2]) : new float[channels];
        for (int c = 0; c < channels; c++)
        {
            double factor = gamma[c] / Math.Sqrt(variance[c] + epsilon);
            bias[c] = (float)(((bias[c] - (double)mean[c]) * factor) + beta[c]);
            foreach (ref float weight in filters.AsSpan(c * perChannel, perChannel))
            {
                weight = (float)(weight * factor);
            }
        }

        // New tensors, never the old ones: another node may use the same weights.
        TensorProto newWeights = TensorData.Create(editor.UniqueName(weights.Name), [.. weights.Dims], filters);
        TensorProto newBias = TensorData.Create(editor.UniqueName(norm.Input[2]), [channels], bias);
        editor.Add(newWeights);
        editor.Add(newBias);
        editor.SetInput(conv, 1, newWeights.Name);
        if (conv.Input.Count > 2)
        {
            editor.SetInput(conv, 2, newBias.Name);
        }
        else
        {
            conv.Input.Add(newBias.Name);
        }

        string output = norm.Output[0];
        editor.Remove(norm);
        conv.Output[0] = output;
        editor.Refresh();
    }
}
