namespace EdgeFleet.Testing.Files;

internal enum NodeKind
{
    File,
    Directory,
    Link,
}

/// <summary>A file, folder or link of a <see cref="SimulatedDisk"/>: as processes see it and as it was last flushed.</summary>
internal sealed class Node
{
    private byte[] _flushed = [];
    private Dictionary<string, Node> _flushedEntries = [];

    private Node(NodeKind kind, string? target)
    {
        Kind = kind;
        Target = target;
    }

    public NodeKind Kind { get; }
    public string? Target { get; }
    /// <summary>Replaced, never changed in place.</summary>
    public byte[] Current { get; set; } = [];
    public Dictionary<string, Node> Entries { get; private set; } = [];

    public static Node NewFile() => new(NodeKind.File, null);
    public static Node NewDirectory() => new(NodeKind.Directory, null);
    public static Node NewLink(string target) => new(NodeKind.Link, target);

    public void Flush()
    {
        _flushed = Current;
        _flushedEntries = new Dictionary<string, Node>(Entries);
    }

    /// <summary>What the next start finds of it. A file with two names stays one file.</summary>
    public Node Survivor(PowerCutLoss loss, Dictionary<Node, Node> known)
    {
        if (known.TryGetValue(this, out Node? survivor))
        {
            return survivor;
        }
        survivor = new Node(Kind, Target);
        known.Add(this, survivor);
        survivor.Current = loss switch
        {
            PowerCutLoss.Everything or PowerCutLoss.Content => _flushed,
            // What was only added to leaves what was flushed alone.
            PowerCutLoss.HalfOfContent when Current.AsSpan().StartsWith(_flushed) => Current[..(_flushed.Length + ((Current.Length - _flushed.Length) / 2))],
            PowerCutLoss.HalfOfContent => Current[..(Current.Length / 2)],
            _ => Current,
        };
        Dictionary<string, Node> names = loss is PowerCutLoss.Everything or PowerCutLoss.Names ? _flushedEntries : Entries;
        survivor.Entries = names.ToDictionary(pair => pair.Key, pair => pair.Value.Survivor(loss, known));
        survivor.Flush();
        return survivor;
    }
}
