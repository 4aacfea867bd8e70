using EdgeFleet.Controller.Store;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Store;

public sealed class AuditTests : IDisposable
{
    private const int Entries = 25;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_untouched_log_is_whole()
    {
        await using Database database = await FilledAsync();

        Assert.Null(await database.ReadAsync(AuditStore.FirstBrokenLink, CancellationToken.None));
    }

    [Theory]
    [InlineData("UPDATE audit SET detail = 'other' WHERE seq = @seq", 0)]
    [InlineData("UPDATE audit SET actor = 'nobody' WHERE seq = @seq", 0)]
    [InlineData("UPDATE audit SET at = at + 1 WHERE seq = @seq", 0)]
    [InlineData("UPDATE audit SET hash = previous WHERE seq = @seq", 0)]
    [InlineData("UPDATE audit SET subject = act, act = subject WHERE seq = @seq", 0)]
    [InlineData("DELETE FROM audit WHERE seq = @seq", 0)]
    [InlineData("UPDATE audit SET seq = CASE seq WHEN @seq THEN -1 WHEN @seq + 1 THEN @seq END WHERE seq IN (@seq, @seq + 1); UPDATE audit SET seq = @seq + 1 WHERE seq = -1", 1)]
    public async Task Any_change_to_any_entry_is_found_where_it_was_made(string tamper, int spare)
    {
        await using Database database = await FilledAsync();
        int last = spare > 0 || tamper.StartsWith("DELETE", StringComparison.Ordinal) ? Entries - 1 : Entries;
        for (int seq = 1; seq <= last; seq++)
        {
            string? found = null;
            await Assert.ThrowsAsync<UndoException>(() => database.WriteAsync(
                "tamper",
                transaction =>
                {
                    transaction.Execute(tamper, new { seq });
                    found = AuditStore.FirstBrokenLink(transaction);
                    // Thrown, so that each trial begins with the whole log.
                    throw new UndoException();
                },
                CancellationToken.None));
            Assert.Contains($"entry {seq} ", found, StringComparison.Ordinal);
        }
        Assert.Null(await database.ReadAsync(AuditStore.FirstBrokenLink, CancellationToken.None));
    }

    [Fact]
    public async Task Texts_cannot_run_together_to_the_same_entry()
    {
        await using Database database = Database.Open(new DatabaseOptions { File = _folder["store.db"] });
        string[] hashes = await database.WriteAsync(
            "two",
            transaction =>
            {
                AuditStore.Append(transaction, 1, "a", "bc", "d", "");
                transaction.Execute("DELETE FROM audit WHERE seq > 1");
                string first = AuditStore.List(transaction, 0, 1)[0].Hash;
                transaction.Execute("DELETE FROM audit");
                AuditStore.Append(transaction, 1, "ab", "c", "d", "");
                return new[] { first, AuditStore.List(transaction, 0, 1)[0].Hash };
            },
            CancellationToken.None);

        Assert.NotEqual(hashes[0], hashes[1]);
    }

    private async Task<Database> FilledAsync()
    {
        Database database = Database.Open(new DatabaseOptions { File = _folder["store.db"] });
        await database.WriteAsync(
            "fill",
            transaction =>
            {
                for (int i = 1; i <= Entries; i++)
                {
                    AuditStore.Append(transaction, i, $"actor-{i}", $"act.{i}", $"subject-{i}", $"detail {i}");
                }
            },
            CancellationToken.None);
        return database;
    }

    private sealed class UndoException : Exception;
}
