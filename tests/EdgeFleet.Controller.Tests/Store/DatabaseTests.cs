using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Store;

public sealed class DatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DatabaseOptions Options(IWriteObserver? observer = null) => new() { File = _folder["store.db"], Observer = observer };

    [Fact]
    public async Task Writes_that_wait_share_transactions_and_each_is_there_when_it_is_acknowledged()
    {
        PowerCut observer = new();
        await using Database database = Database.Open(Options(observer));
        const int Writes = 2000;

        await Task.WhenAll(Enumerable.Range(0, Writes).Select(async i =>
        {
            await database.WriteAsync("operator", transaction => OperatorStore.Put(transaction, Operator(i)), CancellationToken.None);
            Assert.NotNull(await database.ReadAsync(session => OperatorStore.FindByToken(session, Operator(i).TokenSha256), CancellationToken.None));
        }));

        Assert.Equal(Writes, (await database.ReadAsync(OperatorStore.List, CancellationToken.None)).Count);
        Assert.True(observer.Commits < Writes / 2, $"{observer.Commits} transactions for {Writes} writes");
    }

    [Fact]
    public async Task Work_that_throws_changes_nothing_and_does_not_harm_what_shares_its_transaction()
    {
        await using Database database = Database.Open(Options());
        List<string> told = [];

        Task good = database.WriteAsync("good", transaction => Put(transaction, 1, told), CancellationToken.None);
        Task bad = database.WriteAsync(
            "bad",
            transaction =>
            {
                Put(transaction, 2, told);
                throw new InvalidOperationException("no");
            },
            CancellationToken.None);
        Task after = database.WriteAsync("after", transaction => Put(transaction, 3, told), CancellationToken.None);

        await good;
        await Assert.ThrowsAsync<InvalidOperationException>(() => bad);
        await after;
        Assert.Equal(["operator-1", "operator-3"], (await database.ReadAsync(OperatorStore.List, CancellationToken.None)).Select(row => row.Name));
        Assert.Equal(["1", "3"], told);
    }

    [Theory, InlineData(CutMoment.BeforeCommit), InlineData(CutMoment.AfterCommit)]
    public async Task A_kill_at_a_commit_leaves_all_of_the_transaction_or_nothing_and_tells_nobody(CutMoment moment)
    {
        List<string> told = [];
        await using (Database database = Database.Open(Options(new PowerCut(2, moment))))
        {
            await database.WriteAsync("first", transaction => Put(transaction, 1, told), CancellationToken.None);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => database.WriteAsync("second", transaction => Put(transaction, 2, told), CancellationToken.None));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => database.WriteAsync("third", transaction => Put(transaction, 3, told), CancellationToken.None));
            await Assert.ThrowsAsync<PowerCutException>(() => database.Completion);
        }

        await using Database again = Database.Open(Options());
        string[] expected = moment == CutMoment.BeforeCommit ? ["operator-1"] : ["operator-1", "operator-2"];
        Assert.Equal(expected, (await again.ReadAsync(OperatorStore.List, CancellationToken.None)).Select(row => row.Name));
        Assert.Equal(["1"], told);
    }

    [Fact]
    public async Task A_full_disk_fails_the_writes_that_do_not_fit_and_the_store_goes_on()
    {
        await using Database database = Database.Open(Options());
        long pages = await database.WriteAsync("fill", transaction =>
        {
            long used = transaction.QueryOne<long>("PRAGMA page_count");
            transaction.QueryOne<long>($"PRAGMA max_page_count = {used + 8}");
            return used;
        }, CancellationToken.None);
        Assert.True(pages > 0);

        StoreUnavailableException error = await Assert.ThrowsAsync<StoreUnavailableException>(() =>
            database.WriteAsync("big", transaction => QuarantineStoreFill(transaction, 200), CancellationToken.None));
        Assert.Contains("full", error.Message, StringComparison.Ordinal);

        await database.WriteAsync("small", transaction => OperatorStore.Put(transaction, Operator(1)), CancellationToken.None);
        Assert.Empty(await database.ReadAsync(session => QuarantineStore.List(session, 10), CancellationToken.None));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_for_a_while_is_a_failure_of_the_store_and_passes()
    {
        await using Database database = Database.Open(Options());
        string away = _folder["away.db"];
        File.Move(_folder["store.db"], away);

        StoreUnavailableException error = await Assert.ThrowsAsync<StoreUnavailableException>(() => database.ReadAsync(OperatorStore.List, CancellationToken.None));
        Assert.Contains("unable to open database file", error.Message, StringComparison.Ordinal);

        File.Move(away, _folder["store.db"]);
        Assert.Empty(await database.ReadAsync(OperatorStore.List, CancellationToken.None));
        // A wrong statement is nobody's disk.
        await Assert.ThrowsAsync<Microsoft.Data.Sqlite.SqliteException>(() => database.ReadAsync(session => session.Query<long>("SELECT nothing FROM nowhere"), CancellationToken.None));
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        Database database = Database.Open(Options());
        await database.DisposeAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => database.WriteAsync("late", _ => { }, CancellationToken.None));
    }

    [Fact]
    public async Task Readers_see_whole_transactions_while_the_writer_writes()
    {
        await using Database database = Database.Open(Options());
        using CancellationTokenSource done = new();
        Task<int> reader = Task.Run(async () =>
        {
            int looks = 0;
            while (!done.IsCancellationRequested)
            {
                int rows = await database.ReadAsync(session => OperatorStore.List(session).Count, CancellationToken.None);
                Assert.Equal(0, rows % 10);
                looks++;
            }
            return looks;
        });

        for (int batch = 0; batch < 30; batch++)
        {
            await database.WriteAsync(
                "ten",
                transaction =>
                {
                    for (int i = 0; i < 10; i++)
                    {
                        OperatorStore.Put(transaction, Operator((batch * 10) + i));
                    }
                },
                CancellationToken.None);
        }
        await done.CancelAsync();
        Assert.True(await reader > 0);
    }

    private static void QuarantineStoreFill(WriteTransaction transaction, int rows)
    {
        for (int i = 0; i < rows; i++)
        {
            QuarantineStore.Put(transaction, "topic", "reason", new byte[4096], i);
        }
    }

    private static void Put(WriteTransaction transaction, int i, List<string> told)
    {
        OperatorStore.Put(transaction, Operator(i));
        transaction.AfterCommit(() => told.Add($"{i}"));
    }

    private static OperatorRow Operator(int i) => new() { Name = $"operator-{i}", Role = "viewer", TokenSha256 = $"hash-{i}", CreatedAt = i };
}
