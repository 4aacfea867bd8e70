namespace EdgeFleet.Controller.Store;

internal sealed record RollbackRow
{
    public string Id { get; init; } = "";
    public long Ordinal { get; init; }
    public string Model { get; init; } = "";
    public string FromDigest { get; init; } = "";
    public string? ToDigest { get; init; }
    public string Selector { get; init; } = "";
    public string Reason { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }
}

/// <summary>One device of a rollback, with what it says that it serves now.</summary>
internal sealed record RollbackDeviceRow
{
    public string DeviceId { get; init; } = "";
    public string ToDigest { get; init; } = "";
    public long Generation { get; init; }
    public long? DoneAt { get; init; }
    public string? Active { get; init; }
    public long? ServingSinceDevice { get; init; }
    public long ReportedGeneration { get; init; }
    /// <summary>The last word on a deployment of the generation that the rollback wrote, or of a newer one.</summary>
    public string? Phase { get; init; }
    public string? Detail { get; init; }
}

/// <summary>Rollbacks that were ordered, and which devices have followed.</summary>
internal static class RollbackStore
{
    public static RollbackRow? Find(ReadSession session, string id) => session.QueryOne<RollbackRow>("SELECT * FROM rollbacks WHERE id = @id", new { id });

    public static RollbackRow? FindNewest(ReadSession session, string model, string from) => session.QueryOne<RollbackRow>(
        "SELECT * FROM rollbacks WHERE model = @model AND from_digest = @from ORDER BY ordinal DESC LIMIT 1", new { model, from });

    public static long NextOrdinal(ReadSession session) => session.QueryOne<long>("SELECT COALESCE(MAX(ordinal), 0) + 1 FROM rollbacks");

    public static void Add(WriteTransaction transaction, RollbackRow row) => transaction.Execute(
        """
        INSERT INTO rollbacks (id, ordinal, model, from_digest, to_digest, selector, reason, created_by, created_at)
        VALUES (@Id, @Ordinal, @Model, @FromDigest, @ToDigest, @Selector, @Reason, @CreatedBy, @CreatedAt)
        """,
        row);

    public static void AddDevice(WriteTransaction transaction, string rollbackId, string deviceId, string toDigest, long generation) => transaction.Execute(
        "INSERT INTO rollback_devices (rollback_id, device_id, to_digest, generation) VALUES (@rollbackId, @deviceId, @toDigest, @generation)",
        new { rollbackId, deviceId, toDigest, generation });

    public static IReadOnlyList<RollbackDeviceRow> ListDevices(ReadSession session, RollbackRow rollback) => List(session, rollback, "");

    /// <summary>Those that do not serve the older digest yet.</summary>
    public static IReadOnlyList<RollbackDeviceRow> ListOpen(ReadSession session, RollbackRow rollback) => List(session, rollback, "AND r.done_at IS NULL");

    // A device that was revoked or removed serves nothing of ours any more, and nobody waits for it.
    private static IReadOnlyList<RollbackDeviceRow> List(ReadSession session, RollbackRow rollback, string condition) => session.Query<RollbackDeviceRow>(
        $"""
        SELECT r.device_id, r.to_digest, r.generation, r.done_at, s.active, s.serving_since_device, d.reported_generation,
               {LastWord("phase")} AS phase, {LastWord("detail")} AS detail
        FROM rollback_devices r
        JOIN devices d ON d.id = r.device_id AND d.state = '{DeviceStates.Active}'
        LEFT JOIN slots s ON s.device_id = r.device_id AND s.model = @Model
        WHERE r.rollback_id = @Id {condition} ORDER BY r.device_id
        """,
        rollback);

    private static string LastWord(string column) => $"""
        (SELECT p.{column} FROM deployments p WHERE p.device_id = r.device_id AND p.model = @Model AND p.digest = r.to_digest AND p.generation >= r.generation
         ORDER BY p.boot DESC, p.seq DESC LIMIT 1)
        """;

    /// <summary>
    /// A device says what it serves; where a rollback waits for that, it is done there. What the device said before it knew of
    /// the rollback does not count.
    /// </summary>
    public static void NoteServing(WriteTransaction transaction, string device, string model, string active, long generation, long at) => transaction.Prepare(
        """
        UPDATE rollback_devices SET done_at = @4
        WHERE device_id = @0 AND done_at IS NULL AND to_digest = @2 AND generation <= @3 AND rollback_id IN (SELECT id FROM rollbacks WHERE model = @1)
        """).Execute(device, model, active, generation, at);
}
