using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Artifacts;

/// <summary>
/// A signed bundle as a folder: <c>manifest.dsse.json</c>, <c>files/…</c> and, where there is one, <c>evidence.json</c>.
/// It is made where the release key is and pushed from wherever the controller can be reached.
/// </summary>
internal sealed class BundleFolder
{
    private const string EnvelopeName = "manifest.dsse.json";
    private const string EvidenceName = "evidence.json";

    private BundleFolder(string path, DsseEnvelope envelope, ArtifactManifest manifest)
    {
        Path = path;
        Envelope = envelope;
        Manifest = manifest;
        Digest = Digest.Of(envelope.Payload.Span);
    }

    public string Path { get; }
    public DsseEnvelope Envelope { get; }
    public ArtifactManifest Manifest { get; }
    public Digest Digest { get; }

    public string? EvidencePath => System.IO.Path.Combine(Path, EvidenceName) is var file && File.Exists(file) ? file : null;

    public string FilePath(ArtifactFile file) => System.IO.Path.Combine(Path, "files", file.Path);

    /// <exception cref="FormatException">The envelope or the manifest breaks a rule.</exception>
    public static BundleFolder Open(string path)
    {
        string file = System.IO.Path.Combine(path, EnvelopeName);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"'{path}' is no bundle: it has no {EnvelopeName} (edgefleet artifact sign makes one)");
        }
        DsseEnvelope envelope = DsseEnvelope.Parse(File.ReadAllBytes(file));
        return new BundleFolder(path, envelope, ArtifactManifest.FromBytes(envelope.Payload.Span));
    }

    public static BundleFolder Write(string path, ArtifactManifest manifest, IReadOnlyDictionary<string, string> sources, ReleaseKey key, byte[]? evidence)
    {
        byte[] payload = manifest.ToBytes();
        _ = ArtifactManifest.FromBytes(payload);
        DsseEnvelope envelope = DsseEnvelope.Sign(ArtifactManifest.PayloadType, payload, key);
        string files = System.IO.Path.Combine(path, "files");
        if (Directory.Exists(files))
        {
            Directory.Delete(files, recursive: true);
        }
        foreach (ArtifactFile file in manifest.Files)
        {
            string target = System.IO.Path.Combine(files, file.Path);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            File.Copy(sources[file.Path], target);
        }
        string evidenceFile = System.IO.Path.Combine(path, EvidenceName);
        if (evidence is not null)
        {
            File.WriteAllBytes(evidenceFile, evidence);
        }
        else if (File.Exists(evidenceFile))
        {
            File.Delete(evidenceFile);
        }
        File.WriteAllBytes(System.IO.Path.Combine(path, EnvelopeName), envelope.ToBytes());
        return new BundleFolder(path, envelope, manifest);
    }

    /// <summary>Names the first file whose content is not what was signed, or null.</summary>
    public async Task<string?> FirstMismatchAsync(CancellationToken cancellationToken)
    {
        foreach (ArtifactFile file in Manifest.Files)
        {
            string path = FilePath(file);
            if (!File.Exists(path))
            {
                return $"file '{file.Path}' is missing";
            }
            await using FileStream stream = File.OpenRead(path);
            if (stream.Length != file.SizeBytes)
            {
                return $"file '{file.Path}': {stream.Length} bytes, expected {file.SizeBytes}";
            }
            Digest actual = await Digest.OfAsync(stream, cancellationToken);
            if (actual != file.Sha256)
            {
                return $"file '{file.Path}': {actual}, expected {file.Sha256}";
            }
        }
        return null;
    }
}
