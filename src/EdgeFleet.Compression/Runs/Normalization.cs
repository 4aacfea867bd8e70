using System.Globalization;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Runs;

/// <summary>
/// Brings a model into the one form that passes expect, without changing what it computes: weights inside the file and no
/// inputs, constants as initializers, a name on every node.
/// </summary>
internal static class Normalization
{
    private const long FirstIrVersionWithHiddenWeights = 4;

    public static OnnxModel Apply(OnnxModel model)
    {
        OnnxModel whole = model.WithDataInside();
        GraphProto graph = whole.Graph;
        HashSet<string> initializers = [.. graph.Initializer.Select(tensor => tensor.Name)];
        foreach (ValueInfoProto weight in graph.Input.Where(input => initializers.Contains(input.Name)).ToArray())
        {
            graph.Input.Remove(weight);
        }

        whole.Proto.IrVersion = Math.Max(whole.Proto.IrVersion, FirstIrVersionWithHiddenWeights);
        foreach (NodeProto constant in graph.Node.Where(IsTensorConstant).ToArray())
        {
            TensorProto tensor = constant.Find("value")!.T.Clone();
            tensor.Name = constant.Output[0];
            graph.Initializer.Add(tensor);
            graph.Node.Remove(constant);
        }

        GraphEditor editor = new(graph);
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (NodeProto node in graph.Node)
        {
            // Two nodes of one name make a file that some versions of the runtime do not load.
            if (node.Name.Length == 0 || !names.Add(node.Name))
            {
                node.Name = editor.UniqueName(string.Create(CultureInfo.InvariantCulture, $"{node.OpType}_{names.Count}"));
                names.Add(node.Name);
            }
        }

        return whole;
    }

    private static bool IsTensorConstant(NodeProto node) =>
        node.OpType == "Constant" && node.Domain is "" or "ai.onnx" && node.Find("value")?.T is not null;
}
