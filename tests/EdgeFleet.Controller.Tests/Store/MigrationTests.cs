using EdgeFleet.Controller.Store;
using EdgeFleet.Testing;
using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Tests.Store;

public sealed class MigrationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DatabaseOptions Options(string tenant = "default") => new() { File = _folder["store.db"], Tenant = tenant };

    [Fact]
    public async Task An_empty_folder_gets_the_newest_schema_and_opening_it_again_changes_nothing_but_the_epoch()
    {
        string first;
        long epoch;
        await using (Database database = Database.Open(Options()))
        {
            epoch = database.Epoch;
            first = await SchemaAsync(database);
        }
        await using (Database database = Database.Open(Options()))
        {
            Assert.True(database.Epoch > epoch, $"epoch {database.Epoch} after {epoch}");
            Assert.Equal(first, await SchemaAsync(database));
            Assert.Equal(Migrations.Current, await database.ReadAsync(session => session.QueryOne<long>("PRAGMA user_version"), CancellationToken.None));
        }
    }

    [Fact]
    public async Task The_store_keeps_what_was_acknowledged_through_a_power_cut()
    {
        await using Database database = Database.Open(Options());
        (string journal, long synchronous) = await database.WriteAsync(
            "look", transaction => (transaction.QueryOne<string>("PRAGMA journal_mode")!, transaction.QueryOne<long>("PRAGMA synchronous")), CancellationToken.None);

        Assert.Equal("wal", journal);
        Assert.Equal(2, synchronous); // FULL
    }

    [Fact]
    public async Task A_database_of_a_newer_controller_is_refused_and_left_alone()
    {
        await Database.Open(Options()).DisposeAsync();
        Alter($"PRAGMA user_version = {Migrations.Current + 1}");

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Database.Open(Options()));
        Assert.Contains($"schema {Migrations.Current + 1}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_of_the_first_schema_keeps_its_deployments()
    {
        await Database.Open(Options()).DisposeAsync();
        Alter("""
            DROP TRIGGER rollout_events_to_feed;
            DROP TRIGGER device_events_to_feed;
            DROP TABLE webhooks;
            DROP TABLE feed;
            DROP TABLE orders;
            ALTER TABLE operators DROP COLUMN approves;
            ALTER TABLE devices DROP COLUMN release_keys;
            ALTER TABLE devices DROP COLUMN runner;
            DROP TABLE deployments;
            CREATE TABLE deployments (
                device_id TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL, rollout_id TEXT NOT NULL, attempt INTEGER NOT NULL, generation INTEGER NOT NULL,
                phase TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, invariant INTEGER NOT NULL, hardware_class TEXT NOT NULL, probation TEXT,
                boot INTEGER NOT NULL, seq INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (device_id, model, rollout_id, attempt)) WITHOUT ROWID;
            CREATE INDEX deployments_rollout ON deployments (rollout_id);
            INSERT INTO deployments VALUES ('dev-1', 'fashion', 'sha256:00', 'r1', 1, 5, 'Committed', '', '', 0, 'x64', NULL, 1, 9, 77);
            PRAGMA user_version = 1;
            """);

        await using Database database = Database.Open(Options());
        DeploymentRow kept = Assert.Single(await database.ReadAsync(session => DeploymentStore.ListOfRollout(session, "r1", 1), CancellationToken.None));
        Assert.Equal(("dev-1", "sha256:00", "Committed", 9L, 77L), (kept.DeviceId, kept.Digest, kept.Phase, kept.Seq, kept.UpdatedAt));
        // What it has done it was told to do: it may go on reporting it.
        Assert.Equal("dev-1", await database.ReadAsync(session => session.QueryOne<string>("SELECT device_id FROM orders WHERE rollout_id = 'r1'"), CancellationToken.None));
    }

    [Fact]
    public async Task A_database_of_another_tenant_is_refused()
    {
        await Database.Open(Options()).DisposeAsync();

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Database.Open(Options("other")));
        Assert.Contains("'default'", error.Message, StringComparison.Ordinal);
    }

    private static Task<string> SchemaAsync(Database database) => database.ReadAsync(
        session => string.Join('\n', session.Query<string>("SELECT COALESCE(sql, name) FROM sqlite_master ORDER BY name")), CancellationToken.None);

    private void Alter(string sql)
    {
        using SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = _folder["store.db"], Pooling = false }.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
