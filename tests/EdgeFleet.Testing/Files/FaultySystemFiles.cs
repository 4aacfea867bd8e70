using System.Text;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Testing.Files;

/// <summary>
/// A tree of kernel files whose reads a test can make fail, change or count. Without a fault it is the tree itself.
/// </summary>
public sealed class FaultySystemFiles(ISystemFiles below) : ISystemFiles, ISystemSettings
{
    private readonly List<(string Path, string Text)> _writes = [];
    private readonly Dictionary<string, Errno> _errors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Func<int, string>> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _reads = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    public string Root => below.Root;

    /// <summary>Every read of the path fails from now on; <see cref="Errno.None"/> ends that.</summary>
    public void Fail(string path, Errno error)
    {
        lock (_lock)
        {
            _errors[path] = error;
        }
    }

    /// <summary>The text of the path at its n-th read, counted from 0.</summary>
    public void Answer(string path, Func<int, string> text)
    {
        lock (_lock)
        {
            _texts[path] = text;
        }
    }

    public int Reads(string path)
    {
        lock (_lock)
        {
            return _reads.GetValueOrDefault(path);
        }
    }

    public FileText Read(string path)
    {
        lock (_lock)
        {
            int number = _reads.GetValueOrDefault(path);
            _reads[path] = number + 1;
            return _errors.GetValueOrDefault(path) is var error and not Errno.None ? FileText.Failed(error)
                : _texts.TryGetValue(path, out Func<int, string>? text) ? FileText.Of(text(number))
                : below.Read(path);
        }
    }

    /// <summary>What was written, in order; a path that was made to fail takes nothing.</summary>
    public IReadOnlyList<(string Path, string Text)> Writes
    {
        get
        {
            lock (_lock)
            {
                return [.. _writes];
            }
        }
    }

    public Errno Write(string path, string text)
    {
        lock (_lock)
        {
            Errno error = _errors.GetValueOrDefault(path);
            if (error == Errno.None)
            {
                _writes.Add((path, text));
            }
            return error;
        }
    }

    public ISystemFile Open(string path) => new File(this, path);

    public IReadOnlyList<string> List(string folder) => below.List(folder);

    public bool Exists(string path) => below.Exists(path);

    public string? LinkTarget(string path) => below.LinkTarget(path);

    private sealed class File(FaultySystemFiles files, string path) : ISystemFile
    {
        public string Path => path;

        public Errno Read(Span<byte> buffer, out int count)
        {
            FileText text = files.Read(path);
            byte[] bytes = Encoding.UTF8.GetBytes(text.Text ?? "");
            count = Math.Min(bytes.Length, buffer.Length);
            bytes.AsSpan(0, count).CopyTo(buffer);
            return text.Error;
        }

        public void Dispose() => GC.SuppressFinalize(this);
    }
}
