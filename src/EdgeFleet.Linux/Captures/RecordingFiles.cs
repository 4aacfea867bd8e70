using System.Text;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Captures;

/// <summary>
/// Remembers everything that readers ask for, so that a capture is exactly what they look at. It is one moment of the device: a
/// path that was read answers the same from then on. What failed is tried again, for some drivers answer at the second time.
/// </summary>
public sealed class RecordingFiles(ISystemFiles below) : ISystemFiles
{
    /// <summary>No driver's answer is longer; a larger text has been read with <see cref="Read"/>.</summary>
    private const int LongestAnswer = 1 << 16;
    private readonly Dictionary<string, FileText> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<string>> _folders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> _existing = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> _links = new(StringComparer.Ordinal);

    public string Root => below.Root;

    public IReadOnlyDictionary<string, FileText> Texts => _texts;

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Folders => _folders;

    public IReadOnlyDictionary<string, bool> Existing => _existing;

    public IReadOnlyDictionary<string, string?> Links => _links;

    public FileText Read(string path) => Keep(path, below.Read);

    public ISystemFile Open(string path) => new OpenFile(this, below.Open(path));

    public IReadOnlyList<string> List(string folder) => Keep(_folders, folder, below.List);

    public bool Exists(string path) => Keep(_existing, path, below.Exists);

    public string? LinkTarget(string path) => Keep(_links, path, below.LinkTarget);

    private FileText Keep(string path, Func<string, FileText> read) =>
        _texts.TryGetValue(path, out FileText known) && known.Text is not null ? known : _texts[path] = read(path);

    private static T Keep<T>(Dictionary<string, T> answers, string path, Func<string, T> ask) =>
        answers.TryGetValue(path, out T? known) ? known : answers[path] = ask(path);

    private sealed class OpenFile(RecordingFiles files, ISystemFile file) : ISystemFile
    {
        public string Path => file.Path;

        public Errno Read(Span<byte> buffer, out int count)
        {
            FileText text = files.Keep(Path, _ =>
            {
                byte[] whole = new byte[LongestAnswer];
                Errno error = file.Read(whole, out int length);
                return error == Errno.None ? FileText.Of(Encoding.UTF8.GetString(whole, 0, length)) : FileText.Failed(error);
            });
            return text.CopyTo(buffer, out count);
        }

        public void Dispose() => file.Dispose();
    }
}
