namespace EdgeFleet.Linux.Files;

/// <summary>
/// A store that skips every flush: for simulated devices, which live only as long as their process, and for the
/// experiment that shows what the flushes are for.
/// </summary>
public sealed class UnflushedFileStore(IFileStore inner) : IFileStore
{
    public bool Exists(string path) => inner.Exists(path);
    public long? Length(string path) => inner.Length(path);
    public byte[]? Read(string path) => inner.Read(path);
    public IReadOnlyList<string> List(string directory) => inner.List(directory);
    public void CreateDirectory(string path, UnixFileMode mode) => inner.CreateDirectory(path, mode);
    public IStoredFile Open(string path, UnixFileMode mode, bool write = true) => new UnflushedFile(inner.Open(path, mode, write));
    public void Rename(string from, string to) => inner.Rename(from, to);
    public void HardLink(string existing, string path) => inner.HardLink(existing, path);
    public void SymbolicLink(string target, string path) => inner.SymbolicLink(target, path);
    public string? ReadLink(string path) => inner.ReadLink(path);
    public void Delete(string path) => inner.Delete(path);
    public void DeleteDirectory(string path) => inner.DeleteDirectory(path);
    public void SetMode(string path, UnixFileMode mode) => inner.SetMode(path, mode);
    public long AvailableBytes(string directory) => inner.AvailableBytes(directory);

    public void FlushDirectory(string path)
    {
    }

    private sealed class UnflushedFile(IStoredFile inner) : IStoredFile
    {
        public long Length => inner.Length;
        public void Write(ReadOnlySpan<byte> content, long offset) => inner.Write(content, offset);
        public int Read(Span<byte> content, long offset) => inner.Read(content, offset);
        public void SetLength(long length) => inner.SetLength(length);
        public void Dispose() => inner.Dispose();

        public void Flush()
        {
        }
    }
}
