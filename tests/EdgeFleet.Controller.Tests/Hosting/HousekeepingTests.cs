using EdgeFleet.Controller.Artifacts;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Protocol;
using EdgeFleet.Testing;
using Google.Protobuf;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Hosting;

/// <summary>What goes by itself, and what must not.</summary>
public sealed class HousekeepingTests : IDisposable
{
    private static readonly Digest s_digest = Digest.Of([1]);
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Evidence_of_a_rollout_goes_long_after_its_end_and_its_verdicts_stay()
    {
        await using TestController controller = await TestController.StartAsync(_folder, new ControllerParts { Time = _time });
        await controller.Service<Housekeeping>().FirstRound;
        await controller.Database.WriteAsync("devices", transaction => DeviceStore.Add(transaction, new DeviceRow { Id = "dev-1", State = DeviceStates.Active, SpkiSha256 = "1" }), CancellationToken.None);
        long seq = 0;
        foreach ((string id, TimeSpan? ended) in ((string, TimeSpan?)[])[("old", TimeSpan.FromDays(91)), ("young", TimeSpan.FromDays(89)), ("running", null)])
        {
            await AddRolloutAsync(controller, id, ended);
            foreach (uint attempt in (uint[])[1, 2])
            {
                await controller.Ingest.TakeAsync(new Topics("default", "dev-1").Deployment(id), new Wire.DeploymentReport
                {
                    Header = new Wire.ReportHeader { Boot = 1, Seq = (ulong)++seq }, Model = "fashion", Digest = s_digest.ToString(), RolloutId = id, Attempt = attempt,
                    Phase = attempt == 1 ? Wire.Phase.Committed : Wire.Phase.Refused,
                }.ToByteArray(), CancellationToken.None);
            }
            for (int tick = 0; tick < 2100; tick += 300)
            {
                await controller.Ingest.TakeAsync(new Topics("default", "dev-1").Shadow(s_digest), new Wire.ShadowReport
                {
                    Header = new Wire.ReportHeader { Boot = 1, Seq = (ulong)++seq }, Model = "fashion", Digest = s_digest.ToString(), RolloutId = id, Attempt = 1,
                    Tick = ByteString.CopyFromUtf8($$"""{"schemaVersion":1,"tick":{{tick}},"startedAt":"2026-11-20T00:00:00Z","durationMs":1000,"pairs":1,"disagreements":0}"""),
                }.ToByteArray(), CancellationToken.None);
            }
        }

        await controller.Service<Housekeeping>().TidyAsync(CancellationToken.None);

        foreach ((string id, int ticks, string phases) in ((string, int, string)[])[("old", 0, "Committed"), ("young", 7, "Committed,Refused"), ("running", 7, "Committed,Refused")])
        {
            (int kept, string said, int verdicts) = await controller.Database.ReadAsync(
                session => (
                    DeploymentStore.ListTicks(session, id, 1, 0, int.MaxValue).Count,
                    string.Join(',', DeploymentStore.ListOfRollout(session, id, 1).Concat(DeploymentStore.ListOfRollout(session, id, 2)).Select(row => row.Phase)),
                    RolloutStore.ListVerdictNumbers(session, id).Count),
                CancellationToken.None);
            Assert.Equal((id, ticks, phases, 1), (id, kept, said, verdicts));
        }
    }

    [Fact]
    public async Task Content_that_no_artifact_names_goes_after_a_week_and_what_is_published_stays()
    {
        await using TestController controller = await TestController.StartAsync(_folder, new ControllerParts { Time = _time });
        await controller.Service<Housekeeping>().FirstRound;
        Digest[] lost = [Digest.Of([1, 2, 3]), Digest.Of([4, 5, 6])];
        await controller.PublishAsync("v1");
        foreach (byte[] bytes in (byte[][])[[1, 2, 3], [4, 5, 6]])
        {
            await PutAsync(controller, bytes);
        }
        _time.Advance(TimeSpan.FromDays(8));
        // One of them is sent again: somebody is about to publish it.
        await PutAsync(controller, [4, 5, 6]);
        await controller.Service<Housekeeping>().TidyAsync(CancellationToken.None);

        ContentStore content = controller.Service<ContentStore>();
        Assert.Equal((null, 3L), (content.SizeOf(lost[0]), content.SizeOf(lost[1])));
        Assert.NotNull(content.SizeOf(Digest.Of(TestArtifacts.Model("v1"))));
    }

    private static async Task PutAsync(TestController controller, byte[] bytes)
    {
        using ByteArrayContent body = new(bytes);
        using HttpResponseMessage answer = await controller.Operator.PutAsync($"content/{Digest.Of(bytes).Hex}", body);
        answer.EnsureSuccessStatusCode();
    }

    private Task AddRolloutAsync(TestController controller, string id, TimeSpan? ended) => controller.Database.WriteAsync(
        "rollout",
        transaction =>
        {
            RolloutStore.Add(transaction, new RolloutRow
            {
                Id = id, Ordinal = RolloutStore.NextOrdinal(transaction), Name = id, Model = "fashion", Digest = s_digest.ToString(), Attempt = 1, State = "{}", Phase = "Completed", CreatedBy = "test",
            });
            RolloutStore.AddVerdict(transaction, id, new VerdictRow { HardwareClass = "c", Decision = "promote", Stored = [1] });
            RolloutStore.Save(transaction, RolloutStore.Find(transaction, id)!, "{}", "Completed", ended is { } ago ? (_time.GetUtcNow() - ago).ToUnixTimeMilliseconds() : null);
            foreach (int attempt in (int[])[1, 2])
            {
                OrderStore.Note(transaction, new DesiredModelRow { DeviceId = "dev-1", RolloutId = id, Attempt = attempt, Model = "fashion", Digest = s_digest.ToString() });
            }
        },
        CancellationToken.None);
}
