namespace EdgeFleet.Controller.Store;

internal sealed record QuarantineRow
{
    public long Id { get; init; }
    public string Topic { get; init; } = "";
    public string Reason { get; init; } = "";
    public long Bytes { get; init; }
    public long At { get; init; }
}

/// <summary>Messages that could not be read, kept for a person to look at: the newest thousand, each cut to 4 KiB.</summary>
internal static class QuarantineStore
{
    private const int Kept = 1000;
    private const int BytesKept = 4096;

    public static void Put(WriteTransaction transaction, string topic, string reason, byte[] payload, long at)
    {
        transaction.Execute(
            "INSERT INTO quarantine (topic, reason, payload, at) VALUES (@topic, @reason, @payload, @at)",
            new { topic, reason, payload = payload.Length > BytesKept ? payload[..BytesKept] : payload, at });
        transaction.Execute("DELETE FROM quarantine WHERE id <= (SELECT MAX(id) FROM quarantine) - @kept", new { kept = Kept });
    }

    public static IReadOnlyList<QuarantineRow> List(ReadSession session, int limit) => session.Query<QuarantineRow>(
        "SELECT id, topic, reason, LENGTH(payload) AS bytes, at FROM quarantine ORDER BY id DESC LIMIT @limit", new { limit });
}
