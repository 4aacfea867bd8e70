using EdgeFleet.Compression.Recipes;
using EdgeFleet.Compression.Runs;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Passes;

/// <summary>What a pass works on and writes into.</summary>
public sealed class PassContext
{
    private readonly List<PassDecision> _decisions = [];
    private readonly SortedDictionary<string, double> _metrics = new(StringComparer.Ordinal);

    internal PassContext(OnnxModel model, string modelName, TargetProfile target, CalibrationRows rows, CancellationToken cancellationToken)
    {
        Model = model;
        ModelName = modelName;
        Editor = new GraphEditor(model.Graph);
        Target = target;
        Rows = rows;
        CancellationToken = cancellationToken;
    }

    /// <summary>The model as the passes before left it, all weights inside.</summary>
    public OnnxModel Model { get; }

    /// <summary>What messages call the model.</summary>
    public string ModelName { get; }

    public GraphEditor Editor { get; }

    public TargetProfile Target { get; }

    /// <summary>Rows to learn ranges from; read when the first pass asks.</summary>
    public CalibrationRows Rows { get; }

    public CancellationToken CancellationToken { get; }

    internal IReadOnlyList<PassDecision> Decisions => _decisions;

    internal IReadOnlyDictionary<string, double> Metrics => _metrics;

    /// <summary>Writes down what was done to a node and why.</summary>
    public void Decide(NodeProto node, string action, string reason)
    {
        ArgumentNullException.ThrowIfNull(node);
        _decisions.Add(new PassDecision(node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault() ?? "", node.OpType, action, reason));
    }

    /// <summary>A figure of the pass; the unit is part of the name.</summary>
    public void Measure(string name, double value) => _metrics[name] = value;
}
