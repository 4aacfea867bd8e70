using System.Text;
using EdgeFleet.Agent.Content;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Agent.Tests.Support;

/// <summary>Signed bundles as a release would make them, and the source that hands them out.</summary>
internal sealed class TestArtifacts : IArtifactSource
{
    public static readonly ReleaseKey Key = ReleaseKey.Create();
    private readonly Dictionary<Digest, byte[]> _envelopes = [];
    private readonly Dictionary<Digest, byte[]> _blobs = [];

    public static ReleaseKeyRing Keys { get; } = ReleaseKeyRing.FromPem([Key.PublicPem()]);

    public static ModelContract Contract { get; } = new([new TensorSpec("x", "FP32", [1, 4])], [new TensorSpec("y", "FP32", [1, 4])]);

    /// <summary>No link at all.</summary>
    public bool Away { get; set; }

    /// <summary>Changes what a transfer gives: digest, offset and the true rest of the file.</summary>
    public Func<Digest, long, byte[], byte[]>? Tamper { get; set; }

    public int Fetches { get; private set; }

    /// <summary>Bytes that were handed out for files.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Publishes a bundle of two files; the digest is the manifest's.</summary>
    public Digest Publish(string model, string version, Func<ArtifactManifest, ArtifactManifest>? change = null, ReleaseKey? key = null, byte[]? modelBytes = null)
    {
        byte[] onnx = modelBytes ?? Encoding.UTF8.GetBytes($"the graph of {model} {version} ".PadRight(3000, '.'));
        byte[] labels = Encoding.UTF8.GetBytes("shirt\nshoe\n");
        ArtifactManifest manifest = new()
        {
            Model = model,
            Version = version,
            Files =
            [
                new ArtifactFile("model.onnx", onnx.Length, Digest.Of(onnx), ArtifactRole.Model),
                new ArtifactFile("text/labels.txt", labels.Length, Digest.Of(labels), ArtifactRole.Labels),
            ],
            EntryPoint = "model.onnx",
            Contract = Contract,
        };
        manifest = change?.Invoke(manifest) ?? manifest;
        byte[] payload = manifest.ToBytes();
        Digest digest = Digest.Of(payload);
        _envelopes[digest] = DsseEnvelope.Sign(ArtifactManifest.PayloadType, payload, key ?? Key).ToBytes();
        _blobs[Digest.Of(onnx)] = onnx;
        _blobs[Digest.Of(labels)] = labels;
        return digest;
    }

    public void ReplaceEnvelope(Digest digest, Func<byte[], byte[]> change) => _envelopes[digest] = change(_envelopes[digest]);

    public byte[] Blob(Digest digest) => _blobs[digest];

    public Task<byte[]> GetManifestAsync(Digest digest, CancellationToken cancellationToken)
    {
        if (Away)
        {
            throw new ArtifactUnavailableException("no link", linkIsAway: true);
        }
        return _envelopes.TryGetValue(digest, out byte[]? envelope)
            ? Task.FromResult(envelope)
            : throw new ArtifactUnavailableException($"artifact {digest.Short} is not published", linkIsAway: false);
    }

    public Task FetchAsync(Digest digest, long offset, Func<ReadOnlyMemory<byte>, bool> take, CancellationToken cancellationToken)
    {
        if (Away)
        {
            throw new ArtifactUnavailableException("no link", linkIsAway: true);
        }
        Fetches++;
        byte[] rest = _blobs[digest][(int)offset..];
        rest = Tamper?.Invoke(digest, offset, rest) ?? rest;
        for (int at = 0; at < rest.Length; at += 1024)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = Math.Min(1024, rest.Length - at);
            BytesSent += length;
            if (!take(rest.AsMemory(at, length)))
            {
                return Task.CompletedTask;
            }
        }
        return Task.CompletedTask;
    }
}
