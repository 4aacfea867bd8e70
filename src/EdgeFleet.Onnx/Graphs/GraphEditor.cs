using System.Globalization;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Onnx.Graphs;

/// <summary>One place where a node reads a tensor.</summary>
public readonly record struct TensorUse(NodeProto Node, int Input);

/// <summary>
/// Looks up and changes one graph: who makes and who reads a tensor, what is constant, names that nobody has. A tensor
/// that a nested graph captures counts as read by the node that holds that graph (with <see cref="TensorUse.Input"/> -1).
/// Edits go through this class, or <see cref="Refresh"/> is called after them.
/// </summary>
public sealed class GraphEditor
{
    private readonly Dictionary<string, NodeProto> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<TensorUse>> _uses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorProto> _initializers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _inputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _outputs = new(StringComparer.Ordinal);

    public GraphEditor(GraphProto graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Graph = graph;
        Refresh();
    }

    public GraphProto Graph { get; }

    /// <summary>Reads the graph again after changes that were made past the editor.</summary>
    public void Refresh()
    {
        _producers.Clear();
        _uses.Clear();
        _initializers.Clear();
        _inputs.Clear();
        _outputs.Clear();
        foreach (TensorProto tensor in Graph.Initializer)
        {
            _initializers[tensor.Name] = tensor;
            _names.Add(tensor.Name);
        }

        foreach (ValueInfoProto value in Graph.Input)
        {
            _inputs.Add(value.Name);
            _names.Add(value.Name);
        }

        foreach (ValueInfoProto value in Graph.Output)
        {
            _outputs.Add(value.Name);
        }

        foreach (NodeProto node in Graph.Node)
        {
            Index(node);
        }
    }

    public NodeProto? Producer(string tensor) => _producers.GetValueOrDefault(tensor);

    public IReadOnlyList<TensorUse> Uses(string tensor) => _uses.TryGetValue(tensor, out List<TensorUse>? uses) ? uses : [];

    public TensorProto? Initializer(string tensor) => _initializers.GetValueOrDefault(tensor);

    public bool IsGraphInput(string tensor) => _inputs.Contains(tensor) && !_initializers.ContainsKey(tensor);

    public bool IsGraphOutput(string tensor) => _outputs.Contains(tensor);

    /// <summary>
    /// A constant that no caller can replace: models of IR version 3 allow a weight to be an input, and then folding it
    /// would change what the caller gets.
    /// </summary>
    public TensorProto? Constant(string tensor) => _inputs.Contains(tensor) ? null : Initializer(tensor);

    /// <summary>A name that no node, tensor or nested graph has; the same calls give the same names.</summary>
    public string UniqueName(string wish)
    {
        string name = wish;
        for (int i = 1; !_names.Add(name); i++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{wish}_{i}");
        }

        return name;
    }

    public void Add(TensorProto initializer)
    {
        ArgumentNullException.ThrowIfNull(initializer);
        if (!_initializers.TryAdd(initializer.Name, initializer))
        {
            throw new ArgumentException($"there is an initializer '{initializer.Name}' already", nameof(initializer));
        }

        Graph.Initializer.Add(initializer);
        _names.Add(initializer.Name);
    }

    /// <summary>Puts another tensor in the place of one that has this name.</summary>
    public void Replace(TensorProto initializer)
    {
        ArgumentNullException.ThrowIfNull(initializer);
        TensorProto old = _initializers[initializer.Name];
        Graph.Initializer[Graph.Initializer.IndexOf(old)] = initializer;
        _initializers[initializer.Name] = initializer;
    }

    public void InsertBefore(NodeProto position, NodeProto node) => Insert(IndexOf(position), node);

    public void InsertAfter(NodeProto position, NodeProto node) => Insert(IndexOf(position) + 1, node);

    /// <summary>Takes a node out; what read its outputs must have been given other inputs before.</summary>
    public void Remove(NodeProto node)
    {
        Graph.Node.RemoveAt(IndexOf(node));
        Refresh();
    }

    public void SetInput(NodeProto node, int input, string tensor)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (_uses.TryGetValue(node.Input[input], out List<TensorUse>? before))
        {
            before.RemoveAll(use => ReferenceEquals(use.Node, node) && use.Input == input);
        }

        node.Input[input] = tensor;
        UsesOf(tensor).Add(new TensorUse(node, input));
    }

    /// <summary>Drops initializers that nothing reads, and the value infos of tensors that are gone. Returns how many initializers went.</summary>
    public int RemoveUnused()
    {
        Refresh();
        List<TensorProto> unused = [.. Graph.Initializer.Where(tensor => Uses(tensor.Name).Count == 0 && !IsGraphOutput(tensor.Name))];
        foreach (TensorProto tensor in unused)
        {
            Graph.Initializer.Remove(tensor);
        }

        List<ValueInfoProto> infos = [.. Graph.ValueInfo.Where(info => !_producers.ContainsKey(info.Name) && !_initializers.ContainsKey(info.Name))];
        foreach (ValueInfoProto info in infos)
        {
            Graph.ValueInfo.Remove(info);
        }

        Refresh();
        return unused.Count;
    }

    private void Insert(int index, NodeProto node)
    {
        Graph.Node.Insert(index, node);
        Index(node);
    }

    private int IndexOf(NodeProto node)
    {
        for (int i = 0; i < Graph.Node.Count; i++)
        {
            // Two nodes may be equal in every field; identity tells them apart.
            if (ReferenceEquals(Graph.Node[i], node))
            {
                return i;
            }
        }

        throw new ArgumentException($"node '{node.Name}' ({node.OpType}) is not in the graph", nameof(node));
    }

    private void Index(NodeProto node)
    {
        _names.Add(node.Name);
        foreach (string output in node.Output.Where(output => output.Length > 0))
        {
            _producers[output] = node;
            _names.Add(output);
        }

        for (int i = 0; i < node.Input.Count; i++)
        {
            if (node.Input[i].Length > 0)
            {
                UsesOf(node.Input[i]).Add(new TensorUse(node, i));
                _names.Add(node.Input[i]);
            }
        }

        foreach (GraphProto nested in NestedGraphs(node))
        {
            IndexCaptures(nested, node);
        }
    }

    /// <summary>Every name that a nested graph mentions counts as read by its node: too many rather than too few.</summary>
    private void IndexCaptures(GraphProto nested, NodeProto holder)
    {
        foreach (string name in nested.Node.SelectMany(node => node.Input).Concat(nested.Output.Select(output => output.Name)))
        {
            if (name.Length > 0)
            {
                UsesOf(name).Add(new TensorUse(holder, -1));
                _names.Add(name);
            }
        }

        foreach (NodeProto node in nested.Node)
        {
            _names.Add(node.Name);
            _names.UnionWith(node.Output);
            foreach (GraphProto deeper in NestedGraphs(node))
            {
                IndexCaptures(deeper, holder);
            }
        }

        _names.UnionWith(nested.Initializer.Select(tensor => tensor.Name));
        _names.UnionWith(nested.Input.Select(input => input.Name));
    }

    private static IEnumerable<GraphProto> NestedGraphs(NodeProto node)
    {
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (attribute.G is { } graph)
            {
                yield return graph;
            }

            foreach (GraphProto other in attribute.Graphs)
            {
                yield return other;
            }
        }
    }

    private List<TensorUse> UsesOf(string tensor)
    {
        if (!_uses.TryGetValue(tensor, out List<TensorUse>? uses))
        {
            _uses[tensor] = uses = [];
        }

        return uses;
    }
}
