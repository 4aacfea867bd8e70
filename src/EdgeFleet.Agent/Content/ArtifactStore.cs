using System.Buffers;
using System.Security.Cryptography;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Envelopes;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Content;

/// <summary>
/// Content on the device. A blob gets its final name when its digest is right; an artifact gets its final name, in one
/// rename, when its signature, files and graph have been checked.
/// </summary>
internal sealed partial class ArtifactStore(StateFolder state, ReleaseKeyRing keys, ILogger<ArtifactStore> log)
{
    private const UnixFileMode ReadOnly = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const int BlockBytes = 1 << 20;
    private readonly IFileStore _files = state.Files;

    /// <summary>The manifest as it lies on disk, staged or complete; null where it does not.</summary>
    /// <exception cref="BadArtifactException">It is on disk and may not run here.</exception>
    public VerifiedManifest? FindManifest(string model, Digest digest)
    {
        byte[]? envelope = _files.Read(StateFolder.Envelope(state.Artifact(digest))) ?? _files.Read(StateFolder.Envelope(state.Staged(digest)));
        return envelope is null ? null : VerifiedManifest.Check(envelope, model, digest, keys);
    }

    /// <summary>Takes in an envelope from the network: checked before it is written anywhere.</summary>
    /// <exception cref="BadArtifactException">It may not run here.</exception>
    public VerifiedManifest TakeManifest(string model, Digest digest, byte[] envelope)
    {
        VerifiedManifest verified = VerifiedManifest.Check(envelope, model, digest, keys);
        DurableDirectory.Create(_files, state.Staged(digest));
        DurableFile.Write(_files, StateFolder.Envelope(state.Staged(digest)), envelope);
        return verified;
    }

    /// <summary>Bytes that are still to come: what is neither complete nor partly here.</summary>
    public long MissingBytes(ArtifactManifest manifest) => manifest.Files
        .DistinctBy(file => file.Sha256)
        .Where(file => !_files.Exists(state.Blob(file.Sha256)))
        .Sum(file => file.SizeBytes - Math.Min(file.SizeBytes, _files.Length(state.PartialBlob(file.Sha256)) ?? 0));

    /// <summary>Gets one file, going on where an earlier attempt ended.</summary>
    /// <exception cref="BrokenDownloadException">What came is not what was signed; the next attempt begins anew.</exception>
    public async Task FetchAsync(ArtifactFile file, IArtifactSource source, CancellationToken cancellationToken)
    {
        if (_files.Exists(state.Blob(file.Sha256)))
        {
            return;
        }
        string partial = state.PartialBlob(file.Sha256);
        using (IStoredFile part = _files.Open(partial, DurableFile.PublicMode))
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long length = part.Length;
            if (length > file.SizeBytes)
            {
                part.SetLength(0);
                length = 0;
            }
            HashExisting(part, length, hash);
            if (length < file.SizeBytes)
            {
                length = await AppendAsync(part, file, length, hash, source, cancellationToken).ConfigureAwait(false);
            }
            Digest actual = Digest.FromHash(hash.GetHashAndReset());
            if (length != file.SizeBytes || actual != file.Sha256)
            {
                if (length == file.SizeBytes)
                {
                    // As long as signed and still wrong: nothing of it can be kept.
                    part.SetLength(0);
                }
                throw new BrokenDownloadException(length == file.SizeBytes
                    ? $"file '{file.Path}': digest mismatch, expected {file.Sha256}, got {actual}"
                    : $"file '{file.Path}': the transfer ended at {length} of {file.SizeBytes} bytes");
            }
            part.Flush();
        }
        _files.Rename(partial, state.Blob(file.Sha256));
        // After the rename: a partial file that is read-only could not be gone on with.
        _files.SetMode(state.Blob(file.Sha256), ReadOnly);
        _files.FlushDirectory(state.Content);
        _files.FlushDirectory(state.Partial);
        LogFetched(file.Path, file.SizeBytes);
    }

    /// <summary>Hashes every blob of the artifact again and lays the files out beside their final place.</summary>
    /// <returns>The folder with exactly the manifest's files.</returns>
    /// <exception cref="BadContentException">A blob on disk is not what its name says; it is removed so that it is fetched again.</exception>
    public string LayOut(VerifiedManifest verified, Digest digest, CancellationToken cancellationToken)
    {
        string staged = state.Staged(digest);
        string folder = Path.Join(staged, "files");
        _files.DeleteDirectory(folder);
        DurableDirectory.Create(_files, staged);
        DurableDirectory.Create(_files, folder);
        HashSet<string> folders = [folder];
        foreach (ArtifactFile file in verified.Manifest.Files)
        {
            string blob = state.Blob(file.Sha256);
            RequireContent(blob, file, cancellationToken);
            string path = Path.Join(folder, file.Path);
            string parent = Path.GetDirectoryName(path)!;
            DurableDirectory.Create(_files, parent);
            folders.Add(parent);
            _files.HardLink(blob, path);
        }
        foreach (string changed in folders)
        {
            _files.FlushDirectory(changed);
        }
        DurableFile.Write(_files, StateFolder.Envelope(staged), verified.Envelope);
        return folder;
    }

    /// <summary>Gives a verified artifact its final name.</summary>
    public void Complete(Digest digest)
    {
        if (!state.Holds(digest))
        {
            _files.Rename(state.Staged(digest), state.Artifact(digest));
        }
        // Also when it was there already: the rename may be one that was never flushed.
        _files.FlushDirectory(state.Artifacts);
        _files.FlushDirectory(state.Staging);
        _files.DeleteDirectory(state.Staged(digest));
    }

    private static async Task<long> AppendAsync(
        IStoredFile part, ArtifactFile file, long offset, IncrementalHash hash, IArtifactSource source, CancellationToken cancellationToken)
    {
        using BlockWriter writer = new(part, offset);
        bool tooLong = false;
        try
        {
            await source.FetchAsync(
                file.Sha256,
                offset,
                block =>
                {
                    // Capped by what was signed: a source that does not stop is cut off.
                    tooLong = block.Length > file.SizeBytes - writer.Position;
                    if (!tooLong)
                    {
                        hash.AppendData(block.Span);
                        writer.Append(block.Span);
                    }
                    return !tooLong;
                },
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also what came before a cut: on a link that never lives for a whole block there would be no progress at all.
            writer.Complete();
        }
        if (tooLong)
        {
            part.SetLength(0);
            throw new BrokenDownloadException($"file '{file.Path}': the source sent more than the {file.SizeBytes} bytes that were signed");
        }
        return writer.Position;
    }

    private static void HashExisting(IStoredFile part, long length, IncrementalHash hash)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            for (long at = 0; at < length;)
            {
                int read = part.Read(buffer.AsSpan(0, (int)Math.Min(BlockBytes, length - at)), at);
                hash.AppendData(buffer, 0, read);
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void RequireContent(string blob, ArtifactFile file, CancellationToken cancellationToken)
    {
        if (_files.Length(blob) is null)
        {
            throw new BadContentException($"file '{file.Path}': {file.Sha256} is not on this device");
        }
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long length;
        using (IStoredFile stored = _files.Open(blob, ReadOnly, write: false))
        {
            length = stored.Length;
            cancellationToken.ThrowIfCancellationRequested();
            HashExisting(stored, length, hash);
        }
        Digest actual = Digest.FromHash(hash.GetHashAndReset());
        if (length != file.SizeBytes || actual != file.Sha256)
        {
            DurableFile.Delete(_files, blob);
            throw new BadContentException($"file '{file.Path}': on disk it has {length} bytes and digest {actual}, expected {file.SizeBytes} and {file.Sha256}");
        }
    }

    [LoggerMessage(EventId = 3301, Level = LogLevel.Information, Message = "File {Path} is here: {SizeBytes} bytes, its digest is right")]
    private partial void LogFetched(string path, long sizeBytes);
}

/// <summary>What came over the link is not what was signed. The link or the source is at fault, not the digest.</summary>
internal sealed class BrokenDownloadException(string message) : IOException(message);

/// <summary>What lies on the disk is not what its name says.</summary>
internal sealed class BadContentException(string message) : IOException(message);
