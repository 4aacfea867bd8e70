using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Store;

/// <summary>A database that is damaged or gone: the controller says which file and what to do, and decides nothing on it.</summary>
public sealed class DamageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string StoreFile => _folder["data/store.db"];

    public static TheoryData<string> Damages => ["header", "middle", "end"];

    [Theory, MemberData(nameof(Damages))]
    public async Task A_damaged_database_is_named_with_what_to_do_and_the_controller_does_not_start(string where)
    {
        await FillAsync();
        Damage(where);

        StoreUnavailableException error = await Assert.ThrowsAsync<StoreUnavailableException>(() => TestController.StartAsync(_folder));
        Assert.StartsWith($"the database '{StoreFile}' is damaged (", error.Message, StringComparison.Ordinal);
        Assert.Contains("restore a backup (fleet/deploy/README.md, Backup)", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damage_that_is_met_while_it_runs_stops_the_controller()
    {
        await FillAsync();
        await using TestController controller = await TestController.StartAsync(_folder);
        Damage("middle");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => controller.Database.ReadAsync(
            session => session.Query<string>("SELECT topic FROM quarantine").Count, CancellationToken.None));
        await controller.Host.WaitForShutdownAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.StartsWith($"the database '{StoreFile}' is damaged (", controller.Host.Failure!.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_folder_that_has_lost_its_database_begins_no_empty_fleet_before_a_person_says_so(bool emptied)
    {
        await FillAsync();
        if (emptied)
        {
            File.WriteAllBytes(StoreFile, []);
        }
        else
        {
            File.Delete(StoreFile);
        }

        InvalidDataException gone = await Assert.ThrowsAsync<InvalidDataException>(() => TestController.StartAsync(_folder));
        Assert.StartsWith($"the database '{StoreFile}' is gone, though the folder is that of a fleet", gone.Message, StringComparison.Ordinal);
        Assert.Contains($"create an empty file '{_folder["data/store.new"]}'", gone.Message, StringComparison.Ordinal);

        File.WriteAllBytes(_folder["data/store.new"], []);
        await using (TestController anew = await TestController.StartAsync(_folder))
        {
            Assert.Contains("database.begun-anew", (await anew.GetAsync("audit")).ToJsonString(), StringComparison.Ordinal);
            Assert.Empty((await anew.GetAsync("devices")).AsArray());
        }
        // It was for that start alone.
        Assert.False(File.Exists(_folder["data/store.new"]));
        await using TestController later = await TestController.StartAsync(_folder);
    }

    /// <summary>A database of some hundred pages, all of them in the file.</summary>
    private async Task FillAsync()
    {
        await using TestController controller = await TestController.StartAsync(_folder);
        await controller.Database.WriteAsync(
            "fill",
            transaction =>
            {
                for (int i = 0; i < 1000; i++)
                {
                    QuarantineStore.Put(transaction, $"topic-{i}", "a row", new byte[1000], i);
                }
            },
            CancellationToken.None);
    }

    private void Damage(string where)
    {
        using FileStream file = File.Open(StoreFile, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        switch (where)
        {
            case "end":
                file.SetLength(file.Length * 2 / 3);
                break;
            default:
                file.Position = where == "header" ? 0 : file.Length / 3;
                byte[] noise = new byte[where == "header" ? 100 : (int)(file.Length / 3)];
                new Random(7).NextBytes(noise);
                file.Write(noise);
                break;
        }
    }
}
