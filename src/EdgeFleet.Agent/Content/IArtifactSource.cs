using EdgeFleet.Core;

namespace EdgeFleet.Agent.Content;

/// <summary>Where bundles come from. What it gives is not trusted: sizes and digests come from the signed manifest.</summary>
public interface IArtifactSource
{
    /// <summary>The DSSE envelope of a manifest.</summary>
    /// <exception cref="ArtifactUnavailableException">It cannot be had now, or at all.</exception>
    Task<byte[]> GetManifestAsync(Digest digest, CancellationToken cancellationToken);

    /// <summary>
    /// The bytes of a file from an offset to its end. Each block is handed to <paramref name="take"/> and valid only while
    /// that runs; false from it ends the transfer.
    /// </summary>
    /// <exception cref="ArtifactUnavailableException">It cannot be had now, or at all.</exception>
    Task FetchAsync(Digest digest, long offset, Func<ReadOnlyMemory<byte>, bool> take, CancellationToken cancellationToken);
}

/// <summary>
/// A download did not work. It never says anything about the digest.
/// <paramref name="linkIsAway"/>: there is no link, so trying again costs nothing and is not counted.
/// </summary>
public sealed class ArtifactUnavailableException(string message, bool linkIsAway, Exception? inner = null) : IOException(message, inner)
{
    public bool LinkIsAway { get; } = linkIsAway;
}
