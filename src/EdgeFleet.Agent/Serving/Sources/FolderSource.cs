using System.Collections.Concurrent;
using EdgeFleet.Core;

namespace EdgeFleet.Agent.Serving.Sources;

/// <summary>
/// A plain folder of ONNX files, each served under its file name without the ending: the runner without any agent or
/// controller. A file that is replaced is loaded anew.
/// </summary>
internal sealed class FolderSource(string folder) : IModelSource
{
    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    public IReadOnlyList<string> List() =>
        [.. Directory.EnumerateFiles(folder, "*.onnx").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    public WantedModel Read(string model)
    {
        FileInfo file = new(PathOf(model));
        try
        {
            // Hashing each file at each look would cost more than serving it; size and time tell that nothing changed.
            if (!_seen.TryGetValue(model, out Seen? seen) || seen.Bytes != file.Length || seen.ChangedAt != file.LastWriteTimeUtc)
            {
                seen = new Seen(file.Length, file.LastWriteTimeUtc, Digest.Of(File.ReadAllBytes(file.FullName)));
                _seen[model] = seen;
            }
            return new WantedModel(model, seen.Digest, []);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            throw new ModelSourceException($"'{file.FullName}': {ex.Message}", ex);
        }
    }

    public ModelFile Find(string model, Digest digest) => new(PathOf(model), Contract: null);

    private string PathOf(string model) => Path.Join(folder, model + ".onnx");

    private sealed record Seen(long Bytes, DateTime ChangedAt, Digest Digest);
}
