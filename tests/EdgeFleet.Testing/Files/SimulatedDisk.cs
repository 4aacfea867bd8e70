using EdgeFleet.Linux.Files;

namespace EdgeFleet.Testing.Files;

/// <summary>
/// A disk in memory that knows what has been flushed. <see cref="CutBefore"/> ends the power before the n-th change, and
/// <see cref="AfterPowerCut"/> is the disk that the next start finds.
/// </summary>
public sealed class SimulatedDisk : IFileStore
{
    private readonly object _gate = new();
    private readonly Node _root;
    private readonly List<string> _operations = [];
    private bool _off;

    public SimulatedDisk() : this(Node.NewDirectory())
    {
    }

    private SimulatedDisk(Node root) => _root = root;

    /// <summary>The number of the change (from 1) that the power does not live to see; null for a steady supply.</summary>
    public int? CutBefore { get; set; }

    /// <summary>Changes (writes, flushes, renames, deletions …) so far, in words.</summary>
    public IReadOnlyList<string> Operations
    {
        get
        {
            lock (_gate)
            {
                return [.. _operations];
            }
        }
    }

    /// <summary>Bytes of content that fit; more ends in the error of a full disk.</summary>
    public long CapacityBytes { get; set; } = 1L << 30;

    /// <summary>Each flush of a path that this accepts fails with an I/O error.</summary>
    public Func<string, bool>? FailFlush { get; set; }

    public SimulatedDisk AfterPowerCut(PowerCutLoss loss)
    {
        lock (_gate)
        {
            _off = true;
            return new SimulatedDisk(_root.Survivor(loss, [])) { CapacityBytes = CapacityBytes };
        }
    }

    public bool Exists(string path) => With(() => Find(path) is not null);

    public long? Length(string path) => With(() => Find(path) is { Kind: NodeKind.File } file ? file.Current.Length : (long?)null);

    public byte[]? Read(string path) => With(() => Find(path) is { Kind: NodeKind.File } file ? [.. file.Current] : (byte[]?)null);

    public string? ReadLink(string path) => With(() => Find(path)?.Target);

    public IReadOnlyList<string> List(string directory) =>
        With<IReadOnlyList<string>>(() => Find(directory) is { Kind: NodeKind.Directory } node ? [.. node.Entries.Keys.Order(StringComparer.Ordinal)] : []);

    public long AvailableBytes(string directory) => With(() => CapacityBytes - Used());

    public void CreateDirectory(string path, UnixFileMode mode) => Change($"mkdir {path}", () =>
        Parent(path).Entries.TryAdd(NameOf(path), Node.NewDirectory()));

    public IStoredFile Open(string path, UnixFileMode mode, bool write = true)
    {
        Node? existing = With(() => Find(path));
        if (existing is not null)
        {
            return new OpenFile(this, existing, path);
        }
        if (!write)
        {
            throw new FileNotFoundException($"open '{path}': no such file");
        }
        Node created = Node.NewFile();
        Change($"create {path}", () => Parent(path).Entries[NameOf(path)] = created);
        return new OpenFile(this, created, path);
    }

    public void Rename(string from, string to) => Change($"rename {from} to {to}", () =>
    {
        Node node = Find(from) ?? throw new FileNotFoundException($"rename '{from}': no such file");
        Parent(to).Entries[NameOf(to)] = node;
        Parent(from).Entries.Remove(NameOf(from));
    });

    public void HardLink(string existing, string path) => Change($"link {existing} as {path}", () =>
        Parent(path).Entries.TryAdd(NameOf(path), Find(existing) ?? throw new FileNotFoundException($"link '{existing}': no such file")));

    public void SymbolicLink(string target, string path) => Change($"symlink {path}", () =>
        Parent(path).Entries.Add(NameOf(path), Node.NewLink(target)));

    public void Delete(string path)
    {
        if (Exists(path))
        {
            Change($"delete {path}", () => Parent(path).Entries.Remove(NameOf(path)));
        }
    }

    public void DeleteDirectory(string path) => Delete(path);

    public void SetMode(string path, UnixFileMode mode) => Change($"set mode of {path}", () =>
    {
        // Modes decide nothing here: whoever can see the disk is root.
        if (Find(path) is null)
        {
            throw new FileNotFoundException($"chmod '{path}': no such file");
        }
    });

    public void FlushDirectory(string path) => Change($"flush folder {path}", () =>
    {
        Node node = Find(path) ?? throw new DirectoryNotFoundException($"fsync '{path}': no such folder");
        FailIfAsked(path);
        node.Flush();
    });

    private T With<T>(Func<T> look)
    {
        lock (_gate)
        {
            return _off ? throw new PowerCutException("a read") : look();
        }
    }

    private void Change(string operation, Action change)
    {
        lock (_gate)
        {
            if (_off || _operations.Count + 1 == CutBefore)
            {
                _off = true;
                throw new PowerCutException(operation);
            }
            _operations.Add(operation);
            change();
        }
    }

    private void FailIfAsked(string path)
    {
        if (FailFlush?.Invoke(path) == true)
        {
            throw new IOException($"fsync '{path}': Input/output error (errno 5)", 5);
        }
    }

    private long Used()
    {
        HashSet<Node> seen = [];
        long Sum(Node node) => seen.Add(node) ? node.Current.Length + node.Entries.Values.Sum(Sum) : 0;
        return Sum(_root);
    }

    private Node? Find(string path)
    {
        Node? node = _root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (node is not { Kind: NodeKind.Directory } || !node.Entries.TryGetValue(name, out node))
            {
                return null;
            }
        }
        return node;
    }

    private Node Parent(string path) => Find(Path.GetDirectoryName(path) ?? "/") is { Kind: NodeKind.Directory } parent
        ? parent
        : throw new DirectoryNotFoundException($"'{path}': no such folder");

    private static string NameOf(string path) => Path.GetFileName(path.TrimEnd('/'));

    private sealed class OpenFile(SimulatedDisk disk, Node node, string path) : IStoredFile
    {
        public long Length => disk.With(() => node.Current.Length);

        public void Write(ReadOnlySpan<byte> content, long offset)
        {
            byte[] bytes = content.ToArray();
            disk.Change($"write {bytes.Length} bytes to {path}", () =>
            {
                long growth = Math.Max(0, offset + bytes.Length - node.Current.Length);
                if (disk.Used() + growth > disk.CapacityBytes)
                {
                    throw new IOException($"write '{path}': No space left on device (errno 28)", 28);
                }
                byte[] current = node.Current;
                Array.Resize(ref current, (int)(node.Current.Length + growth));
                bytes.CopyTo(current, offset);
                node.Current = current;
            });
        }

        public int Read(Span<byte> content, long offset)
        {
            byte[] current = disk.With(() => node.Current);
            int length = (int)Math.Clamp(current.Length - offset, 0, content.Length);
            current.AsSpan((int)Math.Min(offset, current.Length), length).CopyTo(content);
            return length;
        }

        public void SetLength(long length) => disk.Change($"set length of {path} to {length}", () =>
        {
            byte[] current = [.. node.Current];
            Array.Resize(ref current, (int)length);
            node.Current = current;
        });

        public void Flush() => disk.Change($"flush {path}", () =>
        {
            disk.FailIfAsked(path);
            node.Flush();
        });

        public void Dispose()
        {
        }
    }
}
