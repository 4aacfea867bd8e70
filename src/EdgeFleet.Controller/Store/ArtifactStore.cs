namespace EdgeFleet.Controller.Store;

internal sealed record ArtifactRow
{
    public string Digest { get; init; } = "";
    public string Model { get; init; } = "";
    public string Version { get; init; } = "";
    public string? Baseline { get; init; }
    public byte[] Envelope { get; init; } = [];
    public string Manifest { get; init; } = "";
    public string KeyId { get; init; } = "";
    public string? Evidence { get; init; }
    public string? OverrideReason { get; init; }
    public string PublishedBy { get; init; } = "";
    public long PublishedAt { get; init; }
}

internal sealed record ArtifactFileRow
{
    public string Digest { get; init; } = "";
    public string Path { get; init; } = "";
    public string Sha256 { get; init; } = "";
    public long SizeBytes { get; init; }
}

/// <summary>What was published: manifests with their signatures and the evidence that they were published on.</summary>
internal static class ArtifactStore
{
    public static void Add(WriteTransaction transaction, ArtifactRow row, IEnumerable<ArtifactFileRow> files)
    {
        transaction.Execute(
            """
            INSERT INTO artifacts (digest, model, version, baseline, envelope, manifest, key_id, evidence, override_reason, published_by, published_at)
            VALUES (@Digest, @Model, @Version, @Baseline, @Envelope, @Manifest, @KeyId, @Evidence, @OverrideReason, @PublishedBy, @PublishedAt)
            """,
            row);
        foreach (ArtifactFileRow file in files)
        {
            transaction.Execute("INSERT INTO artifact_files (digest, path, sha256, size_bytes) VALUES (@Digest, @Path, @Sha256, @SizeBytes)", file);
        }
    }

    public static ArtifactRow? Find(ReadSession session, string digest) =>
        session.QueryOne<ArtifactRow>("SELECT * FROM artifacts WHERE digest = @digest", new { digest });

    public static bool Exists(ReadSession session, string digest) =>
        session.QueryOne<long>("SELECT COUNT(*) FROM artifacts WHERE digest = @digest", new { digest }) > 0;

    public static IReadOnlyList<ArtifactRow> List(ReadSession session, string? model) => session.Query<ArtifactRow>(
        "SELECT * FROM artifacts WHERE @model IS NULL OR model = @model ORDER BY published_at, digest", new { model });

    public static IReadOnlyList<string> ListModels(ReadSession session) => session.Query<string>("SELECT DISTINCT model FROM artifacts ORDER BY model");

    public static bool IsContentNamed(ReadSession session, string sha256) =>
        session.QueryOne<long>("SELECT COUNT(*) FROM artifact_files WHERE sha256 = @sha256", new { sha256 }) > 0;

    public static IReadOnlyList<ArtifactFileRow> ListFiles(ReadSession session, string digest) =>
        session.Query<ArtifactFileRow>("SELECT * FROM artifact_files WHERE digest = @digest ORDER BY path", new { digest });
}
