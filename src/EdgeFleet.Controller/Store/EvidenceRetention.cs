namespace EdgeFleet.Controller.Store;

/// <summary>
/// Removes what devices reported of rollouts that ended long ago. Verdicts hold all that they were computed from, so each can
/// still be recomputed; that a device committed a digest stays too, because a rollback may name it.
/// </summary>
internal static class EvidenceRetention
{
    private const int Piece = 2000;

    public static IReadOnlyList<string> ListOver(ReadSession session, long endedBefore) =>
        session.Query<string>("SELECT id FROM rollouts WHERE ended_at < @endedBefore ORDER BY ordinal", new { endedBefore });

    /// <summary>Removes a piece; false when nothing was left.</summary>
    public static bool RemoveSome(WriteTransaction transaction, string rolloutId)
    {
        int removed = 0;
        foreach (string sql in (ReadOnlySpan<string>)[
            "DELETE FROM ticks WHERE id IN (SELECT id FROM ticks WHERE rollout_id = @rolloutId LIMIT @Piece)",
            "DELETE FROM benches WHERE rollout_id = @rolloutId",
            "DELETE FROM deployments WHERE rollout_id = @rolloutId AND phase <> 'Committed'",
            "UPDATE deployments SET probation = NULL WHERE rollout_id = @rolloutId AND probation IS NOT NULL",
            // What a device still is told to be stays ordered: it goes on saying what became of it.
            """
            DELETE FROM orders WHERE rollout_id = @rolloutId AND NOT EXISTS
                (SELECT 1 FROM desired_models d WHERE d.device_id = orders.device_id AND d.model = orders.model AND d.rollout_id = orders.rollout_id)
            """,
        ])
        {
            removed += transaction.Execute(sql, new { rolloutId, Piece });
        }
        return removed > 0;
    }
}
