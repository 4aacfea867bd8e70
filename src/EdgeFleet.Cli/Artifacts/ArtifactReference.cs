using EdgeFleet.Core;

namespace EdgeFleet.Cli.Artifacts;

/// <summary>An artifact as a person names it: a digest, or the folder of a bundle.</summary>
internal static class ArtifactReference
{
    public static Digest Resolve(string text) => Digest.TryParse(text, out Digest digest)
        ? digest
        : Directory.Exists(text)
            ? BundleFolder.Open(text).Digest
            : throw new FormatException($"'{text}' is neither a digest (sha256:…) nor a bundle folder");
}
