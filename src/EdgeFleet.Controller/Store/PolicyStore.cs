namespace EdgeFleet.Controller.Store;

internal sealed record PolicyRow
{
    public string Name { get; init; } = "";
    public string Spec { get; init; } = "";
    public string UpdatedBy { get; init; } = "";
    public long UpdatedAt { get; init; }
}

/// <summary>Named policies. A rollout copies the one that it names when it begins, so a later edit changes no rollout.</summary>
internal static class PolicyStore
{
    public static PolicyRow? Find(ReadSession session, string name) => session.QueryOne<PolicyRow>("SELECT * FROM policies WHERE name = @name", new { name });

    public static IReadOnlyList<PolicyRow> List(ReadSession session) => session.Query<PolicyRow>("SELECT * FROM policies ORDER BY name");

    public static void Put(WriteTransaction transaction, PolicyRow row) => transaction.Execute(
        """
        INSERT INTO policies (name, spec, updated_by, updated_at) VALUES (@Name, @Spec, @UpdatedBy, @UpdatedAt)
        ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, updated_by = excluded.updated_by, updated_at = excluded.updated_at
        """,
        row);
}
