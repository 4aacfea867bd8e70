using EdgeFleet.Controller.Store;
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
        StaleEpochException error;
        await using (Database newer = Open())
        {
            before = await newer.ReadAsync(Picture, CancellationToken.None);
            error = await Assert.ThrowsAsync<StaleEpochException>(() => old.WriteAsync("stale", transaction => Decide(transaction, decision), CancellationToken.None));
            Assert.Equal(before, await newer.ReadAsync(Picture, CancellationToken.None));
            await newer.WriteAsync("fresh", transaction => Decide(transaction, decision), CancellationToken.None);
            Assert.NotEqual(before, await newer.ReadAsync(Picture, CancellationToken.None));
        }
        Assert.Equal((1, 2), (error.Mine, error.Current));
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
                DesiredStore.RaiseGeneration(transaction, "dev-1", 77);
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
