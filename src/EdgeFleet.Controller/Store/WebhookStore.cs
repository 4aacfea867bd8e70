namespace EdgeFleet.Controller.Store;

internal sealed record WebhookRow
{
    public string Id { get; init; } = "";
    public string Url { get; init; } = "";
    /// <summary>As the receiver has it: it is needed to sign, so it is kept, and shown only where the webhook is made.</summary>
    public string Secret { get; init; } = "";
    /// <summary>Patterns with commas; see <see cref="Webhooks.EventPatterns"/>.</summary>
    public string Events { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }
    /// <summary>The last event that is done with; delivery goes on after it.</summary>
    public long Delivered { get; init; }
    /// <summary>Events that were given up because they had become too old.</summary>
    public long Missed { get; init; }
    /// <summary>Attempts in a row that failed.</summary>
    public int Failures { get; init; }
    public long RetryAt { get; init; }
    public string? LastError { get; init; }
    public long? LastSuccessAt { get; init; }
}

/// <summary>One event that webhooks are told of.</summary>
internal sealed record FeedRow
{
    public long Id { get; init; }
    public long At { get; init; }
    /// <summary><c>rollouts/ID</c> or <c>devices/ID</c>.</summary>
    public string Source { get; init; } = "";
    /// <summary><c>rollout.KIND</c> or <c>device.TYPE</c>.</summary>
    public string Type { get; init; } = "";
    public string Subject { get; init; } = "";
    /// <summary>JSON.</summary>
    public string Data { get; init; } = "{}";
}

/// <summary>Who is told of events, how far each has been told, and the events that somebody still waits for.</summary>
internal static class WebhookStore
{
    public static IReadOnlyList<WebhookRow> List(ReadSession session) => session.Query<WebhookRow>("SELECT * FROM webhooks ORDER BY created_at, id");

    public static WebhookRow? Find(ReadSession session, string id) => session.QueryOne<WebhookRow>("SELECT * FROM webhooks WHERE id = @id", new { id });

    /// <summary>It is told of what happens from now on.</summary>
    public static void Add(WriteTransaction transaction, WebhookRow row) => transaction.Execute(
        """
        INSERT INTO webhooks (id, url, secret, events, created_by, created_at, delivered)
        VALUES (@Id, @Url, @Secret, @Events, @CreatedBy, @CreatedAt, (SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'feed'))
        """,
        row);

    /// <summary>The broker is told as webhooks are; made once, and told of what happens from then on.</summary>
    public static void AddOnce(WriteTransaction transaction, WebhookRow row)
    {
        if (Find(transaction, row.Id) is null)
        {
            Add(transaction, row);
        }
    }

    public static bool Remove(WriteTransaction transaction, string id) => transaction.Execute("DELETE FROM webhooks WHERE id = @id", new { id }) > 0;

    public static IReadOnlyList<FeedRow> ListAfter(ReadSession session, long id, int limit) =>
        session.Query<FeedRow>("SELECT * FROM feed WHERE id > @id ORDER BY id LIMIT @limit", new { id, limit });

    public static long CountAfter(ReadSession session, long id) => session.QueryOne<long>("SELECT COUNT(*) FROM feed WHERE id > @id", new { id });

    /// <summary>All up to this event is done with, and what nobody waits for any more goes.</summary>
    public static void NoteDelivered(WriteTransaction transaction, string id, long upTo, long? successAt)
    {
        transaction.Execute(
            """
            UPDATE webhooks SET delivered = MAX(delivered, @upTo), failures = 0, retry_at = 0, last_error = NULL, last_success_at = COALESCE(@successAt, last_success_at)
            WHERE id = @id
            """,
            new { id, upTo, successAt });
        RemoveDone(transaction);
    }

    public static void NoteFailure(WriteTransaction transaction, string id, string error, long retryAt) => transaction.Execute(
        "UPDATE webhooks SET failures = failures + 1, retry_at = @retryAt, last_error = @error WHERE id = @id", new { id, error, retryAt });

    /// <summary>Gives up what nobody could be told for too long; each webhook counts what it missed.</summary>
    public static void GiveUp(WriteTransaction transaction, long before)
    {
        transaction.Execute(
            "UPDATE webhooks SET missed = missed + (SELECT COUNT(*) FROM feed WHERE at < @before AND feed.id > webhooks.delivered)", new { before });
        transaction.Execute("DELETE FROM feed WHERE at < @before", new { before });
        RemoveDone(transaction);
    }

    private static void RemoveDone(WriteTransaction transaction) =>
        transaction.Execute("DELETE FROM feed WHERE id <= COALESCE((SELECT MIN(delivered) FROM webhooks), (SELECT MAX(id) FROM feed))");
}
