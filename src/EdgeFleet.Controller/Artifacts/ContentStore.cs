using System.Buffers;
using System.Security.Cryptography;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Controller.Artifacts;

/// <summary>What became of content that was sent.</summary>
internal abstract record PutResult
{
    private PutResult() { }

    public sealed record Stored(long SizeBytes) : PutResult;

    public sealed record TooLarge(long MaximumBytes) : PutResult;

    public sealed record WrongContent(Digest Actual, long SizeBytes) : PutResult;
}

/// <summary>
/// Files by the SHA-256 of their content. A file has its name only when it is whole and on disk: it is streamed beside,
/// hashed on the way, flushed, and renamed.
/// </summary>
internal sealed class ContentStore
{
    private const int BufferBytes = 1 << 20;
    private readonly string _content;
    private readonly string _partial;
    private readonly long _maximumBytes;
    private readonly TimeProvider _time;

    public ContentStore(string folder, long maximumBytes, TimeProvider time)
    {
        _time = time;
        _content = Path.Join(folder, "sha256");
        _partial = Path.Join(folder, "partial");
        _maximumBytes = maximumBytes;
        DurableDirectory.Create(LinuxFileStore.Instance, _content, DurableDirectory.PrivateMode);
        DurableDirectory.Create(LinuxFileStore.Instance, _partial, DurableDirectory.PrivateMode);
        // Whatever an earlier process did not finish; nobody will go on with it.
        foreach (string file in Directory.EnumerateFiles(_partial))
        {
            File.Delete(file);
        }
    }

    /// <summary>The size of stored content; null when it is not here.</summary>
    public long? SizeOf(Digest digest) => new FileInfo(PathOf(digest)) is { Exists: true } file ? file.Length : null;

    /// <exception cref="FileNotFoundException">It is not here.</exception>
    public FileStream Open(Digest digest) => new(
        PathOf(digest), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, Options = FileOptions.Asynchronous, BufferSize = 0 });

    public async Task<PutResult> PutAsync(Digest expected, Stream source, CancellationToken cancellationToken)
    {
        if (SizeOf(expected) is { } known)
        {
            // Sent anew, so wanted anew: it counts as young until it is published.
            File.SetLastWriteTimeUtc(PathOf(expected), _time.GetUtcNow().UtcDateTime);
            return new PutResult.Stored(known);
        }
        string temporary = Path.Join(_partial, Guid.NewGuid().ToString("n"));
        try
        {
            long size = 0;
            Digest actual;
            await using (FileStream file = new(temporary, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous, BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
                try
                {
                    int read;
                    while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
                    {
                        size += read;
                        if (size > _maximumBytes)
                        {
                            return new PutResult.TooLarge(_maximumBytes);
                        }
                        hash.AppendData(buffer, 0, read);
                        await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                    }
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
                actual = Digest.FromHash(hash.GetHashAndReset());
                if (actual != expected)
                {
                    return new PutResult.WrongContent(actual, size);
                }
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, PathOf(expected), overwrite: true);
            LinuxFileStore.Instance.FlushDirectory(_content);
            return new PutResult.Stored(size);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Content that was sent before a time, in no order.</summary>
    public IEnumerable<Digest> ListOlderThan(DateTimeOffset before) => new DirectoryInfo(_content).EnumerateFiles()
        .Where(file => file.LastWriteTimeUtc < before.UtcDateTime && file.Name.Length == 64)
        .Select(file => Digest.Parse("sha256:" + file.Name));

    public void Remove(Digest digest) => File.Delete(PathOf(digest));

    private string PathOf(Digest digest) => Path.Join(_content, digest.Hex);
}
