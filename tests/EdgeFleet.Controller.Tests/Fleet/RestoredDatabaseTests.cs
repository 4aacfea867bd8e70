using System.Security.Cryptography;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Protocol;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Envelopes;
using Google.Protobuf;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Fleet;

/// <summary>
/// The controller's database comes from a backup; devices have seen what was decided and acknowledged after it. They hear the
/// controller again, and it hears them.
/// </summary>
public sealed class RestoredDatabaseTests : IDisposable
{
    private static readonly Digest s_before = Digest.Of([1]);
    private static readonly Digest s_lost = Digest.Of([2]);
    private static readonly Digest s_after = Digest.Of([3]);
    private readonly TemporaryFolder _folder = new();
    private readonly ReleaseKey _releaseKey = ReleaseKey.Create();

    public void Dispose()
    {
        _releaseKey.Dispose();
        _folder.Dispose();
    }

    private Task<TestController> StartAsync(TimeProvider time) => TestController.StartAsync(_folder, new ControllerParts { Time = time }, _releaseKey);

    private Task<TestController> StartAsync(TimeSpan clockOff = default, IWriteObserver? observer = null) => TestController.StartAsync(
        _folder, new ControllerParts { Time = new ShiftedTime(clockOff), Observer = observer }, _releaseKey);

    /// <summary>The clock that the lost database was written by was right, or half an hour ahead, so that its epochs are too.</summary>
    [Theory, InlineData(0), InlineData(30)]
    public async Task A_device_takes_what_a_restored_controller_says(int minutesAhead)
    {
        TimeSpan ahead = TimeSpan.FromMinutes(minutesAhead);
        ScriptedDevice device;
        await using (TestController first = await StartAsync(ahead))
        {
            device = await ScriptedDevice.EnrollAsync(first, "dev-1", await first.CreateTokenAsync());
            await WantAsync(first, s_before);
            await SyncAsync(first, device, s_before);
        }
        Backup();
        for (int start = 0; start < 3; start++)
        {
            await using TestController lost = await StartAsync(ahead);
            await WantAsync(lost, Digest.Of([9, (byte)start]));
            await WantAsync(lost, s_lost);
            await SyncAsync(lost, device, s_lost);
        }
        Restore();

        await using TestController restored = await StartAsync();
        await SyncAsync(restored, device, s_before);
        await WantAsync(restored, s_after);
        await device.ReadDesiredAsync("fashion", desired => desired.Digest == s_after.ToString());
        JsonNode act = Assert.Single((await restored.GetAsync("audit"))["items"]!.AsArray(), entry => entry!["act"]!.GetValue<string>() == "database.behind")!;
        Assert.Equal("dev-1", act["subject"]!.GetValue<string>());
        await device.DisposeAsync();
    }

    [Fact]
    public async Task The_same_generation_of_two_lives_of_the_database_is_told_apart()
    {
        ScriptedDevice device;
        await using (TestController first = await StartAsync())
        {
            device = await ScriptedDevice.EnrollAsync(first, "dev-1", await first.CreateTokenAsync());
        }
        Backup();
        await using (TestController lost = await StartAsync())
        {
            await WantAsync(lost, s_lost);
            await SyncAsync(lost, device, s_lost);
        }
        Restore();

        await using TestController restored = await StartAsync();
        // Written while the device is away: its generation is the one that the device has, and says something else.
        await WantAsync(restored, s_after);
        Assert.Equal(device.Generation, await restored.Database.ReadAsync(session => DesiredStore.GenerationOf(session, "dev-1"), CancellationToken.None));
        await SyncAsync(restored, device, s_after);
        await device.DisposeAsync();
    }

    [Theory, InlineData(null), InlineData(CutMoment.BeforeCommit), InlineData(CutMoment.AfterCommit)]
    public async Task Reports_that_only_the_lost_database_had_hold_up_nothing_wherever_the_controller_is_killed(CutMoment? killed)
    {
        ScriptedDevice device;
        await using (TestController first = await StartAsync())
        {
            device = await ScriptedDevice.EnrollAsync(first, "dev-1", await first.CreateTokenAsync());
            await ReportAsync(first, device, 3);
        }
        Backup();
        await using (TestController lost = await StartAsync())
        {
            await device.ConnectAsync(lost);
            await ReportAsync(lost, device, 5);
            await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 8);
            device.Released = 8;
        }
        Restore();

        if (killed is { } moment)
        {
            CutAtCatchUp cut = new(moment);
            await using TestController cutOff = await StartAsync(observer: cut);
            await device.ConnectAsync(cutOff);
            await Assert.ThrowsAnyAsync<Exception>(() => device.ReadUntilAsync(() => device.Desired is not null));
            Assert.True(cut.Done);
        }
        await using TestController restored = await StartAsync();
        await device.ConnectAsync(restored);
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 8);
        await ReportAsync(restored, device, 1);
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 9);

        IReadOnlyList<DeviceEventRow> events = await restored.Database.ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 100), CancellationToken.None);
        DeviceEventRow gone = Assert.Single(events, e => e.Type == "reports-let-go");
        Assert.Equal("reports 4 to 8", gone.Subject);
        await device.DisposeAsync();
    }

    [Fact]
    public async Task What_a_device_claims_moves_its_own_numbers_alone()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice liar = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await using ScriptedDevice other = await ScriptedDevice.EnrollAsync(controller, "dev-2", await controller.CreateTokenAsync());
        await WantAsync(controller, s_before, "dev-1", "dev-2");
        await SyncAsync(controller, other, s_before);
        for (int time = 0; time < 3; time++)
        {
            using var stream = new Wire.Fleet.FleetClient(liar.Channel()).Sync(new Wire.SyncRequest
            {
                KnownGeneration = 1UL << 53, KnownEpoch = 1UL << 53, OutboxBoot = 7, ReleasedSeq = 1UL << 53,
            });
            await stream.ResponseStream.MoveNext(CancellationToken.None);
            await stream.ResponseStream.MoveNext(CancellationToken.None);
        }
        await WantAsync(controller, s_after, "dev-1", "dev-2");
        await other.ReadDesiredAsync("fashion", desired => desired.Digest == s_after.ToString());

        Assert.Equal((2L, controller.Database.Epoch), (other.Generation, other.Epoch));
        Assert.Single((await controller.GetAsync("audit"))["items"]!.AsArray(), entry => entry!["act"]!.GetValue<string>() == "database.behind");
    }

    [Fact]
    public async Task A_device_that_renewed_its_certificate_after_the_backup_goes_on_with_it()
    {
        ManualTime time = new();
        using ECDsa newKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ScriptedDevice device;
        await using (TestController first = await StartAsync(time))
        {
            device = await ScriptedDevice.EnrollAsync(first, "dev-1", await first.CreateTokenAsync());
        }
        Backup();
        string renewed;
        time.Advance(TimeSpan.FromDays(7));
        await using (TestController lost = await StartAsync(time))
        {
            await device.ConnectAsync(lost);
            renewed = (await new Wire.Enrollment.EnrollmentClient(device.Channel()).RenewAsync(
                new Wire.RenewRequest { CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(newKey, "dev-1")) })).CertificateChainPem;
        }
        Restore();
        time.Advance(TimeSpan.FromMinutes(1));

        await using TestController restored = await StartAsync(time);
        await using ScriptedDevice later = new(restored, "dev-1", newKey, renewed);
        await later.ConnectAsync();
        await later.ConnectAsync();
        Assert.Single((await restored.GetAsync("audit"))["items"]!.AsArray(), entry => entry!["act"]!.GetValue<string>() == "certificate.taken-in");

        // From its first use the older one has a day, as after any renewal.
        time.Advance(TimeSpan.FromHours(25));
        await later.ConnectAsync();
        RpcException replaced = await Assert.ThrowsAsync<RpcException>(() => device.ConnectAsync(restored));
        Assert.Contains("replaced by a newer one", replaced.Status.Detail, StringComparison.Ordinal);
        await restored.PostAsync("devices/dev-1/revoke", new JsonObject { ["reason"] = "stolen" });
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(later.ConnectAsync)).StatusCode);
    }

    /// <summary>The registry does not have these either, and no restore is why.</summary>
    [Fact]
    public async Task A_certificate_of_a_device_that_was_revoked_and_removed_does_not_come_back_by_the_name()
    {
        ManualTime time = new();
        ScriptedDevice stolen;
        await using (TestController first = await StartAsync(time))
        {
            stolen = await ScriptedDevice.EnrollAsync(first, "dev-1", await first.CreateTokenAsync());
            time.Advance(TimeSpan.FromHours(1));
            await first.PostAsync("devices/dev-1/revoke", new JsonObject { ["reason"] = "stolen" });
            using HttpResponseMessage removed = await first.Operator.DeleteAsync("devices/dev-1");
            await using ScriptedDevice anew = await ScriptedDevice.EnrollAsync(first, "dev-1", await first.CreateTokenAsync());
        }
        time.Advance(TimeSpan.FromHours(1));

        await using TestController second = await StartAsync(time);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => stolen.ConnectAsync(second));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains("is not one that this controller knows", refused.Status.Detail, StringComparison.Ordinal);
        await stolen.DisposeAsync();
    }

    [Fact]
    public async Task A_device_that_claimed_the_highest_number_is_still_served_and_so_is_what_enrols_under_its_name()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice liar = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        (liar.Generation, liar.Epoch, liar.Released) = (1L << 53, 1L << 53, 1L << 53);
        for (byte decision = 1; decision < 4; decision++)
        {
            await WantAsync(controller, Digest.Of([9, decision]));
            await SyncAsync(controller, liar, Digest.Of([9, decision]));
        }
        Assert.True(liar.Generation > (1L << 53) + 1 && liar.Epoch > 1L << 53);

        await controller.PostAsync("devices/dev-1/revoke", new JsonObject { ["reason"] = "flashed anew" });
        using HttpResponseMessage removed = await controller.Operator.DeleteAsync("devices/dev-1");
        await using ScriptedDevice anew = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await WantAsync(controller, s_after);
        await SyncAsync(controller, anew, s_after);
        await anew.ConnectAsync();
    }

    [Fact]
    public async Task A_device_that_knows_nothing_new_costs_no_write()
    {
        PowerCut work = new();
        await using TestController controller = await StartAsync(observer: work);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await WantAsync(controller, s_before);
        await SyncAsync(controller, device, s_before);
        await ReportAsync(controller, device, 2);
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 2);
        device.Released = 2;
        await device.ConnectAsync();
        await WantAsync(controller, s_after);
        await device.ReadDesiredAsync("fashion", desired => desired.Digest == s_after.ToString());

        Assert.DoesNotContain(work.Work, what => what.Contains("catch up", StringComparison.Ordinal));
        Assert.Equal(2, device.Generation);
    }

    private void Backup() => File.Copy(_folder["data/store.db"], _folder["backup.db"]);

    private void Restore()
    {
        File.Copy(_folder["backup.db"], _folder["data/store.db"], overwrite: true);
        foreach (string file in (string[])["data/store.db-wal", "data/store.db-shm"])
        {
            File.Delete(_folder[file]);
        }
    }

    private static Task WantAsync(TestController controller, Digest digest, params string[] devices) => controller.Database.WriteAsync(
        "want",
        transaction =>
        {
            DesiredWriter writer = controller.Service<DesiredWriter>();
            foreach (string device in devices is [] ? ["dev-1"] : devices)
            {
                writer.Put(transaction, device, new DesiredDeployment
                {
                    Model = "fashion", Digest = digest, Goal = DeploymentGoal.Active, Reason = DesiredReason.Assignment, RolloutId = "", Plan = new TrialPlan { Install = true },
                });
            }
        },
        CancellationToken.None);

    private static async Task SyncAsync(TestController controller, ScriptedDevice device, Digest expected)
    {
        await device.ConnectAsync(controller);
        await device.ReadDesiredAsync("fashion", desired => desired.Digest == expected.ToString());
    }

    private static async Task ReportAsync(TestController controller, ScriptedDevice device, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await device.SendAsync(controller, device.OwnTopics.Event("x"), new Wire.EventReport { Header = device.Header(), Subject = "s" });
        }
    }

    /// <summary>A clock that is wrong by so much.</summary>
    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }

    /// <summary>Ends the controller at the save that takes in what the device knows.</summary>
    private sealed class CutAtCatchUp(CutMoment moment) : IWriteObserver
    {
        public bool Done { get; private set; }

        public void Committing(IReadOnlyList<string> work) => Cut(work, CutMoment.BeforeCommit);

        public void Committed(IReadOnlyList<string> work) => Cut(work, CutMoment.AfterCommit);

        private void Cut(IReadOnlyList<string> work, CutMoment now)
        {
            if (now == moment && work.Any(what => what.StartsWith("catch up", StringComparison.Ordinal)))
            {
                Done = true;
                throw new PowerCutException(1, moment);
            }
        }
    }
}
