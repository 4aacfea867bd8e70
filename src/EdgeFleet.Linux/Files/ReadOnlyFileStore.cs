namespace EdgeFleet.Linux.Files;

/// <summary>Looks and never touches: for commands that show another process's folder.</summary>
public sealed class ReadOnlyFileStore(IFileStore inner) : IFileStore
{
    public bool Exists(string path) => inner.Exists(path);
    public long? Length(string path) => inner.Length(path);
    public byte[]? Read(string path) => inner.Read(path);
    public IReadOnlyList<string> List(string directory) => inner.List(directory);
    public string? ReadLink(string path) => inner.ReadLink(path);
    public long AvailableBytes(string directory) => inner.AvailableBytes(directory);
    public IStoredFile Open(string path, UnixFileMode mode, bool write = true) => write ? throw Refused(path) : inner.Open(path, mode, write: false);
    public void CreateDirectory(string path, UnixFileMode mode) => throw Refused(path);
    public void Rename(string from, string to) => throw Refused(from);
    public void HardLink(string existing, string path) => throw Refused(path);
    public void SymbolicLink(string target, string path) => throw Refused(path);
    public void Delete(string path) => throw Refused(path);
    public void DeleteDirectory(string path) => throw Refused(path);
    public void SetMode(string path, UnixFileMode mode) => throw Refused(path);
    public void FlushDirectory(string path) => throw Refused(path);

    private static IOException Refused(string path) => new($"'{path}' is damaged or would be changed; this command only reads");
}
