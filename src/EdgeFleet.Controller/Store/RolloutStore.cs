namespace EdgeFleet.Controller.Store;

internal sealed record RolloutRow
{
    public string Id { get; init; } = "";
    public long Ordinal { get; init; }
    public string Name { get; init; } = "";
    public string Model { get; init; } = "";
    public string Digest { get; init; } = "";
    public int Attempt { get; init; }
    /// <summary>The rollout's whole state, JSON.</summary>
    public string State { get; init; } = "";
    public string Phase { get; init; } = "";
    /// <summary>Goes up with each save: who decided on an older state saves nothing.</summary>
    public long Version { get; init; }
    public long Epoch { get; init; }
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }
    public long? EndedAt { get; init; }
}

internal sealed record RolloutEventRow
{
    public long Seq { get; init; }
    public long At { get; init; }
    public string HardwareClass { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Message { get; init; } = "";
}

internal sealed record VerdictRow
{
    public long Seq { get; init; }
    public long At { get; init; }
    public int Stage { get; init; }
    public string HardwareClass { get; init; } = "";
    public string Decision { get; init; } = "";
    public byte[] Stored { get; init; } = [];
}

/// <summary>Rollouts with their timeline and their verdicts. Every UPDATE carries the epoch and the version that it was decided on.</summary>
internal static class RolloutStore
{
    /// <summary>The event that says that a person has put the candidate back, whatever the rollout made of it.</summary>
    public const string Lifted = "lifted";

    public static long NextOrdinal(ReadSession session) => session.QueryOne<long>("SELECT COALESCE(MAX(ordinal), 0) + 1 FROM rollouts");

    public static void Add(WriteTransaction transaction, RolloutRow row) => transaction.ExecuteFenced(
        $"rollout '{row.Id}'",
        """
        INSERT INTO rollouts (id, ordinal, name, model, digest, attempt, state, phase, version, epoch, created_by, created_at)
        SELECT @Id, @Ordinal, @Name, @Model, @Digest, @Attempt, @State, @Phase, 1, @Epoch, @CreatedBy, @CreatedAt FROM controller WHERE id = 1 AND epoch = @Epoch
        """,
        row with { Epoch = transaction.Epoch });

    public static RolloutRow? Find(ReadSession session, string id) => session.QueryOne<RolloutRow>("SELECT * FROM rollouts WHERE id = @id", new { id });

    /// <summary>By id, else the newest of that name; one that runs goes before one that is over.</summary>
    public static RolloutRow? FindByIdOrName(ReadSession session, string text) =>
        Find(session, text) ?? session.QueryOne<RolloutRow>("SELECT * FROM rollouts WHERE name = @text ORDER BY ended_at IS NULL DESC, ordinal DESC LIMIT 1", new { text });

    /// <summary>Rollouts are told apart by their ids; a name may be that of several, one for each attempt or model.</summary>
    public static IReadOnlyList<RolloutRow> ListRunningOfName(ReadSession session, string name) =>
        session.Query<RolloutRow>("SELECT * FROM rollouts WHERE name = @name AND ended_at IS NULL ORDER BY ordinal", new { name });

    /// <summary>The newest others of the same name.</summary>
    public static IReadOnlyList<string> ListNamesakes(ReadSession session, RolloutRow row) =>
        session.Query<string>("SELECT id FROM rollouts WHERE name = @Name AND id <> @Id ORDER BY ordinal DESC LIMIT 5", row);

    public static RolloutRow? FindRunning(ReadSession session, string model) =>
        session.QueryOne<RolloutRow>("SELECT * FROM rollouts WHERE model = @model AND ended_at IS NULL", new { model });

    /// <summary>Every rollout of a digest, newest first.</summary>
    public static IReadOnlyList<RolloutRow> ListOfDigest(ReadSession session, string model, string digest) => session.Query<RolloutRow>(
        "SELECT * FROM rollouts WHERE model = @model AND digest = @digest ORDER BY ordinal DESC", new { model, digest });

    public static IReadOnlyList<RolloutRow> ListRunning(ReadSession session) =>
        session.Query<RolloutRow>("SELECT * FROM rollouts WHERE ended_at IS NULL ORDER BY ordinal");

    public static IReadOnlyList<RolloutRow> List(ReadSession session, int limit) =>
        session.Query<RolloutRow>("SELECT * FROM rollouts ORDER BY ordinal DESC LIMIT @limit", new { limit });

    /// <summary>The newest rollouts of a model, whatever became of them.</summary>
    public static IReadOnlyList<RolloutRow> ListOfModel(ReadSession session, string model, int limit) =>
        session.Query<RolloutRow>("SELECT * FROM rollouts WHERE model = @model ORDER BY ordinal DESC LIMIT @limit", new { model, limit });

    /// <summary>The highest attempt that was made with a digest; 0 for none.</summary>
    public static int HighestAttempt(ReadSession session, string model, string digest) =>
        session.QueryOne<int>("SELECT COALESCE(MAX(attempt), 0) FROM rollouts WHERE model = @model AND digest = @digest", new { model, digest });

    /// <summary>The highest attempt with a digest that ended with the candidate taken back; 0 for none.</summary>
    public static int HighestFailedAttempt(ReadSession session, string model, string digest) => session.QueryOne<int>(
        "SELECT COALESCE(MAX(attempt), 0) FROM rollouts WHERE model = @model AND digest = @digest AND phase IN ('RolledBack', 'Aborted', 'PartlyCompleted')",
        new { model, digest });

    /// <summary>False: the state was changed since it was read (decide again).</summary>
    /// <exception cref="StaleEpochException">Another controller has taken over the database.</exception>
    public static bool Save(WriteTransaction transaction, RolloutRow row, string state, string phase, long? endedAt)
    {
        int saved = transaction.Execute(
            """
            UPDATE rollouts SET state = @state, phase = @phase, version = version + 1, epoch = @epoch, ended_at = @endedAt
            WHERE id = @Id AND version = @Version AND EXISTS (SELECT 1 FROM controller WHERE id = 1 AND epoch = @epoch)
            """,
            new { state, phase, endedAt, row.Id, row.Version, epoch = transaction.Epoch });
        if (saved == 0)
        {
            transaction.RequireEpoch($"rollout '{row.Id}'");
        }
        return saved > 0;
    }

    public static void AddEvent(WriteTransaction transaction, string rolloutId, long at, string hardwareClass, string kind, string message) => transaction.Execute(
        """
        INSERT INTO rollout_events (rollout_id, seq, at, hardware_class, kind, message)
        VALUES (@rolloutId, (SELECT COALESCE(MAX(seq), 0) + 1 FROM rollout_events WHERE rollout_id = @rolloutId), @at, @hardwareClass, @kind, @message)
        """,
        new { rolloutId, at, hardwareClass, kind, message });

    public static IReadOnlyList<RolloutEventRow> ListEvents(ReadSession session, string rolloutId, long after, int limit) => session.Query<RolloutEventRow>(
        "SELECT seq, at, hardware_class, kind, message FROM rollout_events WHERE rollout_id = @rolloutId AND seq > @after ORDER BY seq LIMIT @limit",
        new { rolloutId, after, limit });

    public static bool HasEvent(ReadSession session, string rolloutId, string kind) => session.QueryOne<long>(
        "SELECT COUNT(*) FROM rollout_events WHERE rollout_id = @rolloutId AND kind = @kind", new { rolloutId, kind }) > 0;

    public static long LastEvent(ReadSession session, string rolloutId) =>
        session.QueryOne<long>("SELECT COALESCE(MAX(seq), 0) FROM rollout_events WHERE rollout_id = @rolloutId", new { rolloutId });

    public static void AddVerdict(WriteTransaction transaction, string rolloutId, VerdictRow row) => transaction.Execute(
        """
        INSERT INTO verdicts (rollout_id, seq, at, stage, hardware_class, decision, stored)
        VALUES (@rolloutId, (SELECT COALESCE(MAX(seq), 0) + 1 FROM verdicts WHERE rollout_id = @rolloutId), @At, @Stage, @HardwareClass, @Decision, @Stored)
        """,
        new { rolloutId, row.At, row.Stage, row.HardwareClass, row.Decision, row.Stored });

    public static IReadOnlyList<long> ListVerdictNumbers(ReadSession session, string rolloutId) =>
        session.Query<long>("SELECT seq FROM verdicts WHERE rollout_id = @rolloutId ORDER BY seq", new { rolloutId });

    public static VerdictRow? FindVerdict(ReadSession session, string rolloutId, long seq) =>
        session.QueryOne<VerdictRow>("SELECT * FROM verdicts WHERE rollout_id = @rolloutId AND seq = @seq", new { rolloutId, seq });

    /// <summary>The last verdict on a class in the stage with this number.</summary>
    public static VerdictRow? FindLastVerdict(ReadSession session, string rolloutId, string hardwareClass, int stage) => session.QueryOne<VerdictRow>(
        "SELECT * FROM verdicts WHERE rollout_id = @rolloutId AND hardware_class = @hardwareClass AND stage = @stage ORDER BY seq DESC LIMIT 1", new { rolloutId, hardwareClass, stage });
}
