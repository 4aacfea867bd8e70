namespace EdgeFleet.Controller.Store;

internal sealed record AssignmentRow
{
    public string Model { get; init; } = "";
    public string Selector { get; init; } = "";
    public string Digest { get; init; } = "";
    public string RolloutId { get; init; } = "";
    public int Attempt { get; init; }
    /// <summary>Goes up with each write, so that the newest of two has a meaning that no clock decides.</summary>
    public long Ordinal { get; init; }
    public long UpdatedAt { get; init; }
}

/// <summary>
/// What new, replaced and returning devices get; which digests are barred from them; and in which order rollouts
/// let them become active, so that "the newest activated" has a meaning that no clock decides.
/// </summary>
internal static class AssignmentStore
{
    public static IReadOnlyList<AssignmentRow> List(ReadSession session) =>
        session.Query<AssignmentRow>("SELECT * FROM assignments ORDER BY model, selector");

    public static IReadOnlyList<AssignmentRow> ListOfModel(ReadSession session, string model) =>
        session.Query<AssignmentRow>("SELECT * FROM assignments WHERE model = @model ORDER BY selector", new { model });

    public static void Put(WriteTransaction transaction, AssignmentRow row) => transaction.ExecuteFenced(
        $"assignment of model '{row.Model}'",
        """
        INSERT INTO assignments (model, selector, digest, rollout_id, attempt, ordinal, updated_at)
        SELECT @Model, @Selector, @Digest, @RolloutId, @Attempt, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM assignments), @UpdatedAt FROM controller WHERE id = 1 AND epoch = @Epoch
        ON CONFLICT (model, selector) DO UPDATE SET
            digest = excluded.digest, rollout_id = excluded.rollout_id, attempt = excluded.attempt,
            ordinal = excluded.ordinal, updated_at = excluded.updated_at
        """,
        new { row.Model, row.Selector, row.Digest, row.RolloutId, row.Attempt, row.UpdatedAt, transaction.Epoch });

    public static void Remove(WriteTransaction transaction, string model, string selector) => transaction.Execute(
        "DELETE FROM assignments WHERE model = @model AND selector = @selector", new { model, selector });

    public static void Bar(WriteTransaction transaction, string model, string digest, string reason, long at) => transaction.Execute(
        "INSERT INTO barred (model, digest, reason, at) VALUES (@model, @digest, @reason, @at) ON CONFLICT (model, digest) DO NOTHING",
        new { model, digest, reason, at });

    public static void Unbar(WriteTransaction transaction, string model, string digest) =>
        transaction.Execute("DELETE FROM barred WHERE model = @model AND digest = @digest", new { model, digest });

    public static IReadOnlyList<string> ListBarred(ReadSession session, string model) =>
        session.Query<string>("SELECT digest FROM barred WHERE model = @model", new { model });

    /// <summary>Why the digest is barred; null when it is not.</summary>
    public static string? FindBar(ReadSession session, string model, string digest) =>
        session.QueryOne<string>("SELECT reason FROM barred WHERE model = @model AND digest = @digest", new { model, digest });

    /// <summary>
    /// A rollout lets devices activate the digest, is stopped with it, or a person puts back what was taken back: from now on it is
    /// the newest, also when it was active once before.
    /// </summary>
    public static void NoteActivation(WriteTransaction transaction, string model, string digest, string rolloutId, long at) => transaction.Execute(
        """
        INSERT INTO activations (model, digest, rollout_id, ordinal, at)
        VALUES (@model, @digest, @rolloutId, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM activations WHERE model = @model), @at)
        ON CONFLICT (model, digest) DO UPDATE SET rollout_id = excluded.rollout_id, ordinal = excluded.ordinal, at = excluded.at
        WHERE activations.rollout_id <> excluded.rollout_id
        """,
        new { model, digest, rolloutId, at });

    public static string? FindNewestActivated(ReadSession session, string model) => ListActivated(session, model) is [var newest, ..] ? newest : null;

    /// <summary>
    /// Digests of the model that rollouts and operators of this controller let devices activate, the last first. What a device
    /// merely says that it serves is not among them: no device decides what the newest is. (Older files have rows of that kind,
    /// without a rollout.)
    /// </summary>
    public static IReadOnlyList<string> ListActivated(ReadSession session, string model) =>
        session.Query<string>("SELECT digest FROM activations WHERE model = @model AND rollout_id <> '' ORDER BY ordinal DESC", new { model });
}
