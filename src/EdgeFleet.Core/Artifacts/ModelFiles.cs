using System.Text;

namespace EdgeFleet.Core.Artifacts;

/// <summary>
/// The files that make a model's answers: its graph and the external data that the graph points to. What was said of a model
/// holds for another only where all of them are the same.
/// </summary>
/// <param name="ExternalData">Digests by file name.</param>
public sealed record ModelFiles(Digest Graph, IReadOnlyDictionary<string, Digest> ExternalData)
{
    /// <summary>One digest for all: that of the graph where it stands alone, else of a line per file in the order of their names.</summary>
    public Digest Identity => ExternalData.Count == 0 ? Graph : Digest.Of(Encoding.UTF8.GetBytes(string.Concat(
        ExternalData.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Value} {file.Key}\n").Prepend($"{Graph}\n"))));

    public static ModelFiles Of(ArtifactManifest manifest) => new(
        manifest.Files.First(file => file.Path == manifest.EntryPoint).Sha256,
        manifest.Files.Where(file => file.Role == ArtifactRole.ExternalData).ToDictionary(file => file.Path, file => file.Sha256, StringComparer.Ordinal));
}
