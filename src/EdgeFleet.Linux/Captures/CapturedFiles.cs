using System.Text.Json;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Captures;

/// <summary>
/// A captured device, unpacked: its files with the errnos, folders and links of the index. Without an index it is a plain
/// folder of files.
/// </summary>
public sealed class CapturedFiles : ISystemFiles
{
    /// <summary>Folder names of some hundred folders are a few ten thousand; a stranger's index may be anything.</summary>
    private const long LargestIndex = 16 << 20;
    private readonly KernelFiles _files;

    private CapturedFiles(string root, CaptureIndex index) => (_files, Index) = (new KernelFiles(root), index);

    public CaptureIndex Index { get; }

    public string Root => _files.Root;

    /// <returns>Null where the folder has no index, so is no capture.</returns>
    /// <exception cref="FormatException">The index cannot be read, or is of a newer schema.</exception>
    public static CapturedFiles? TryOpen(string root)
    {
        FileInfo file = new(Path.Join(root, CaptureIndex.FileName));
        if (!file.Exists)
        {
            return null;
        }
        if (file.Length > LargestIndex)
        {
            throw new FormatException($"'{file.FullName}' has {file.Length} bytes; {LargestIndex} are the most");
        }
        try
        {
            CaptureIndex index = JsonSerializer.Deserialize(File.ReadAllBytes(file.FullName), CaptureJsonContext.Default.CaptureIndex)
                ?? throw new FormatException($"'{file.FullName}' holds no index");
            return index.SchemaVersion == CaptureIndex.CurrentSchemaVersion
                ? new CapturedFiles(root, index)
                : throw new FormatException($"'{file.FullName}' has schema version {index.SchemaVersion}; this program reads {CaptureIndex.CurrentSchemaVersion}");
        }
        catch (JsonException ex)
        {
            throw new FormatException($"'{file.FullName}': {ex.Message}", ex);
        }
    }

    public FileText Read(string path) => Index.Errors.TryGetValue(path, out Errno error) && error != Errno.None ? FileText.Failed(error) : _files.Read(path);

    public ISystemFile Open(string path) => new OpenFile(this, path);

    public IReadOnlyList<string> List(string folder) => Index.Folders.TryGetValue(folder, out IReadOnlyList<string>? names) ? names : _files.List(folder);

    public bool Exists(string path) => Index.Existing.TryGetValue(path, out bool exists) ? exists : _files.Exists(path);

    public string? LinkTarget(string path) => Index.Links.GetValueOrDefault(path);

    private sealed class OpenFile(CapturedFiles files, string path) : ISystemFile
    {
        public string Path => path;

        public Errno Read(Span<byte> buffer, out int count) => files.Read(Path).CopyTo(buffer, out count);

        public void Dispose()
        {
            // Each read opens and closes.
        }
    }
}
