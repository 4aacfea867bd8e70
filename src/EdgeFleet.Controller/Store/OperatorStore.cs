namespace EdgeFleet.Controller.Store;

internal sealed record OperatorRow
{
    public string Name { get; init; } = "";
    public string Role { get; init; } = "";
    public string TokenSha256 { get; init; } = "";
    public long CreatedAt { get; init; }

    /// <summary>Roles by name in which this operator may approve stages, between spaces.</summary>
    public string Approves { get; init; } = "";

    public IReadOnlyList<string> ApprovalRoles => Approves.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>People and programs that may call the operator plane. Of a token only the hash is kept.</summary>
internal static class OperatorStore
{
    public static OperatorRow? FindByToken(ReadSession session, string tokenSha256) =>
        session.QueryOne<OperatorRow>("SELECT * FROM operators WHERE token_sha256 = @tokenSha256", new { tokenSha256 });

    public static IReadOnlyList<OperatorRow> List(ReadSession session) => session.Query<OperatorRow>("SELECT * FROM operators ORDER BY name");

    public static void Put(WriteTransaction transaction, OperatorRow row) => transaction.Execute(
        """
        INSERT INTO operators (name, role, token_sha256, created_at, approves) VALUES (@Name, @Role, @TokenSha256, @CreatedAt, @Approves)
        ON CONFLICT (name) DO UPDATE SET role = excluded.role, token_sha256 = excluded.token_sha256, approves = excluded.approves
        """,
        row);

    public static bool Remove(WriteTransaction transaction, string name) =>
        transaction.Execute("DELETE FROM operators WHERE name = @name", new { name }) > 0;
}
