using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Store;

/// <summary>Two controllers on one database: the one that opened it first must not decide anything more.</summary>
public sealed class EpochTests : IDisposable
{
    private static readonly Digest s_digest = Digest.Of([1]);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Database Open() => Database.Open(new DatabaseOptions { File = _folder["store.db"] });

    public static TheoryData<string> Decisions => ["desired state", "removal of desired state", "raise of a generation", "assignment", "new rollout", "save of a rollout"];

    [Theory, MemberData(nameof(Decisions))]
    public async Task A_controller_that_was_replaced_writes_no_decision(string decision)
    {
        await using Database old = Open();
        await old.WriteAsync("before", Prepare, CancellationToken.None);
        string before;
        long next;
        StaleEpochException error;
        await using (Database newer = Open())
        {
            next = newer.Epoch;
            before = await newer.ReadAsync(Picture, CancellationToken.None);
            error = await Assert.ThrowsAsync<StaleEpochException>(() => old.WriteAsync("stale", transaction => Decide(transaction, decision), CancellationToken.None));
            Assert.Equal(before, await newer.ReadAsync(Picture, CancellationToken.None));
            await newer.WriteAsync("fresh", transaction => Decide(transaction, decision), CancellationToken.None);
            Assert.NotEqual(before, await newer.ReadAsync(Picture, CancellationToken.None));
        }
        Assert.Equal((old.Epoch, next), (error.Mine, error.Current));
    }

    [Fact]
    public async Task A_restored_database_gives_out_no_epoch_twice()
    {
        HashSet<long> given = [];
        string backup = _folder["backup.db"];
        await using (Database first = Open())
        {
            given.Add(first.Epoch);
        }
        File.Copy(_folder["store.db"], backup);
        for (int life = 0; life < 2; life++)
        {
            for (int start = 0; start < 3; start++)
            {
                // An hour passes before each start, as it would.
                await using Database database = Database.Open(new DatabaseOptions { File = _folder["store.db"], Time = new ManualTime(TimeProvider.System.GetUtcNow().AddHours(given.Count)) });
                Assert.True(given.Add(database.Epoch), $"epoch {database.Epoch} was given out before");
                Assert.Equal(given.Max(), database.Epoch);
            }
            File.Copy(backup, _folder["store.db"], overwrite: true);
        }
    }

    [Fact]
    public async Task Epochs_go_up_on_a_clock_that_goes_back()
    {
        await using (Database first = Open())
        {
            Assert.True(first.Epoch > 1_700_000_000, $"epoch {first.Epoch} does not follow the clock");
        }
        await using Database second = Database.Open(new DatabaseOptions { File = _folder["store.db"], Time = new ManualTime(DateTimeOffset.UnixEpoch) });
        Assert.True(second.Epoch > 1_700_000_000);
    }

    private static void Prepare(WriteTransaction transaction)
    {
        DesiredStore.Put(transaction, "dev-1", Desired(DeploymentGoal.Staged));
        RolloutStore.Add(transaction, Rollout("r1", 1, "fashion"));
    }

    private static void Decide(WriteTransaction transaction, string decision)
    {
        switch (decision)
        {
            case "desired state":
                DesiredStore.Put(transaction, "dev-1", Desired(DeploymentGoal.Active));
                break;
            case "removal of desired state":
                DesiredStore.Remove(transaction, "dev-1", "fashion");
                break;
            case "raise of a generation":
                DesiredStore.RaiseAbove(transaction, "dev-1", 77, 0);
                break;
            case "assignment":
                AssignmentStore.Put(transaction, new AssignmentRow { Model = "fashion", Digest = s_digest.ToString(), RolloutId = "r1" });
                break;
            case "new rollout":
                RolloutStore.Add(transaction, Rollout("r2", 2, "other"));
                break;
            case "save of a rollout":
                RolloutStore.Save(transaction, RolloutStore.Find(transaction, "r1")!, "{}", "Completed", 5);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(decision), decision, "not a decision");
        }
    }

    private static string Picture(ReadSession session) => string.Join('\n',
        string.Join(',', session.Query<DesiredModelRow>("SELECT * FROM desired_models")),
        session.QueryOne<long>("SELECT generation FROM desired"),
        string.Join(',', AssignmentStore.List(session)),
        string.Join(',', RolloutStore.List(session, 10)));

    private static DesiredDeployment Desired(DeploymentGoal goal) => new() { Model = "fashion", Digest = s_digest, Goal = goal, Reason = DesiredReason.Rollout, RolloutId = "r1" };

    private static RolloutRow Rollout(string id, long ordinal, string model) =>
        new() { Id = id, Ordinal = ordinal, Name = id, Model = model, Digest = s_digest.ToString(), Attempt = 1, State = "{}", Phase = "Pending", CreatedBy = "test" };
}
