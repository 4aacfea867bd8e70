using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using EdgeFleet.Trust.Envelopes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using State = EdgeFleet.Protocol.V1.EnrollResponse.Types.State;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Enrollment;

/// <summary>Who gets in, over the real listeners.</summary>
public sealed class EnrollmentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    private Task<TestController> StartAsync() => TestController.StartAsync(_folder, new ControllerParts { Time = _time });

    [Fact]
    public async Task The_same_token_and_key_get_the_same_answer_again_also_after_the_token_is_used_up_and_expired()
    {
        await using TestController controller = await StartAsync();
        string token = await controller.CreateTokenAsync();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Wire.EnrollResponse first = await ScriptedDevice.AskAsync(controller, "dev-1", token, key);
        _time.Advance(TimeSpan.FromHours(1));
        Wire.EnrollResponse again = await ScriptedDevice.AskAsync(controller, "dev-1", token, key);

        Assert.Equal(State.Enrolled, first.State);
        Assert.Equal(first.CertificateChainPem, again.CertificateChainPem);
        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(first.CertificateChainPem);
        Assert.Equal("dev-1", CertificateTrust.CommonName(certificate));
        Assert.Equal(CertificateAuthority.DeviceLifetime, certificate.NotAfter.ToUniversalTime() - certificate.NotBefore.ToUniversalTime() - TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task A_used_token_lets_no_second_device_in_and_the_try_is_audited()
    {
        await using TestController controller = await StartAsync();
        string token = await controller.CreateTokenAsync();
        await using ScriptedDevice first = await ScriptedDevice.EnrollAsync(controller, "dev-1", token);

        await RefusedAsync(controller, "dev-2", token, "has let in as many devices");
        await RefusedAsync(controller, "dev-1", token, "another key");

        JsonArray audit = (await controller.GetAsync("audit?verify=true"))["items"]!.AsArray();
        Assert.Equal(2, audit.Count(entry => entry!["act"]!.GetValue<string>() == "enrolment.refused"));
        Assert.Single((await controller.GetAsync("devices")).AsArray());
    }

    [Fact]
    public async Task An_expired_an_unknown_and_a_foreign_token_are_refused_with_the_reason()
    {
        await using TestController controller = await StartAsync();
        string bound = await controller.CreateTokenAsync(new JsonObject { ["deviceId"] = "dev-1", ["autoApprove"] = true });
        string brief = await controller.CreateTokenAsync(new JsonObject { ["ttlSeconds"] = 5, ["autoApprove"] = true });

        await RefusedAsync(controller, "dev-2", bound, "bound to another device");
        await RefusedAsync(controller, "dev-2", EnrollmentToken.Create(), "not known");
        _time.Advance(TimeSpan.FromSeconds(6));
        await RefusedAsync(controller, "dev-2", brief, "expired");
        await RefusedAsync(controller, "dev-2", "eft1.short", "enrolment token", StatusCode.InvalidArgument);
        await RefusedAsync(controller, "Dev/2", bound, "lower-case letters", StatusCode.InvalidArgument);

        Assert.Empty((await controller.GetAsync("devices")).AsArray());
    }

    [Fact]
    public async Task Of_many_keys_that_race_with_one_token_exactly_one_gets_in()
    {
        await using TestController controller = await StartAsync();
        string token = await controller.CreateTokenAsync();

        bool[] admitted = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            try
            {
                // Half of them ask for the same name, half for names of their own.
                return (await ScriptedDevice.AskAsync(controller, i % 2 == 0 ? "dev-0" : $"dev-{i}", token, key)).State == State.Enrolled;
            }
            catch (RpcException ex) when (ex.StatusCode == StatusCode.PermissionDenied)
            {
                return false;
            }
        }));

        Assert.Single(admitted, true);
        Assert.Single((await controller.GetAsync("devices")).AsArray());
    }

    [Fact]
    public async Task A_group_token_lets_as_many_in_as_it_says_and_gives_them_its_labels()
    {
        await using TestController controller = await StartAsync();
        string token = await controller.CreateTokenAsync(new JsonObject
        {
            ["group"] = "lab", ["count"] = 2, ["autoApprove"] = true, ["labels"] = new JsonObject { ["site"] = "north" },
        });
        await using ScriptedDevice first = await ScriptedDevice.EnrollAsync(controller, "dev-1", token);
        await using ScriptedDevice second = await ScriptedDevice.EnrollAsync(controller, "dev-2", token);

        await RefusedAsync(controller, "dev-3", token, "has let in as many devices");
        JsonArray found = (await controller.GetAsync($"devices?selector={Uri.EscapeDataString("group == lab and site == north")}")).AsArray();
        Assert.Equal(["dev-1", "dev-2"], found.Select(device => device!["id"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_device_waits_until_an_operator_approves_it()
    {
        await using TestController controller = await StartAsync();
        string token = await controller.CreateTokenAsync(new JsonObject());
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Wire.EnrollResponse waiting = await ScriptedDevice.AskAsync(controller, "dev-1", token, key);
        Assert.Equal((State.Pending, ""), (waiting.State, waiting.CertificateChainPem));
        Assert.True(waiting.RetryAfterMs > 0);
        await controller.PostAsync("devices/dev-1/approve", null);
        Wire.EnrollResponse approved = await ScriptedDevice.AskAsync(controller, "dev-1", token, key);

        Assert.Equal(State.Enrolled, approved.State);
        Assert.NotEmpty(approved.CertificateChainPem);
        Assert.Equal(controller.Host.Endpoints.DeviceUrl, approved.DeviceUrl);
        Assert.Single(approved.ReleaseKeysPem);
    }

    [Fact]
    public async Task A_revoked_device_is_cut_off_at_once_and_does_not_come_back_before_it_is_removed()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await device.ConnectAsync();

        await controller.PostAsync("devices/dev-1/revoke", new JsonObject { ["reason"] = "stolen" });
        RpcException cut = await Assert.ThrowsAsync<RpcException>(() => device.ReadUntilAsync(() => false));
        Assert.Equal((StatusCode.PermissionDenied, "device 'dev-1' is revoked"), (cut.StatusCode, cut.Status.Detail));
        RpcException refused = await Assert.ThrowsAsync<RpcException>(device.ConnectAsync);
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains("revoked", refused.Status.Detail, StringComparison.Ordinal);
        await RefusedAsync(controller, "dev-1", await controller.CreateTokenAsync(), "revoked");

        using HttpResponseMessage removed = await controller.Operator.DeleteAsync("devices/dev-1");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        await using ScriptedDevice anew = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await anew.ConnectAsync();
    }

    [Fact]
    public async Task A_device_that_was_never_approved_can_be_removed_and_one_that_is_a_member_cannot()
    {
        await using TestController controller = await StartAsync();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal(State.Pending, (await ScriptedDevice.AskAsync(controller, "dev-1", await controller.CreateTokenAsync(new JsonObject()), key)).State);
        using HttpResponseMessage removed = await controller.Operator.DeleteAsync("devices/dev-1");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        await using ScriptedDevice again = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());

        (HttpStatusCode status, string detail) = await controller.RefusedAsync(HttpMethod.Delete, "devices/dev-1");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("revoke it first", detail, StringComparison.Ordinal);
        Assert.Contains("never approved", (await controller.GetAsync("audit")).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_stream_of_a_device_ends_the_first_and_says_so()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using AsyncServerStreamingCall<Wire.SyncEvent> first = new Wire.Fleet.FleetClient(device.Channel()).Sync(new Wire.SyncRequest());
        Assert.True(await first.ResponseStream.MoveNext(CancellationToken.None));

        await device.ConnectAsync();

        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await first.ResponseStream.MoveNext(CancellationToken.None))
            {
                // What was written before it ended.
            }
        });
        Assert.Equal((StatusCode.Aborted, "device 'dev-1' has opened another stream; this one ends"), (ended.StatusCode, ended.Status.Detail));
    }

    [Theory, InlineData(ulong.MaxValue, 0ul, 0ul), InlineData(1ul << 62, 0ul, 0ul), InlineData(0ul, ulong.MaxValue, 0ul), InlineData(0ul, 0ul, (1ul << 53) + 1)]
    public async Task A_device_that_claims_a_number_beyond_counting_is_told_so_and_harms_only_itself(ulong generation, ulong boot, ulong epoch)
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using AsyncServerStreamingCall<Wire.SyncEvent> stream = new Wire.Fleet.FleetClient(device.Channel())
            .Sync(new Wire.SyncRequest { KnownGeneration = generation, OutboxBoot = boot, KnownEpoch = epoch });

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains($"{Math.Max(epoch, Math.Max(generation, boot))} is above", refused.Status.Detail, StringComparison.Ordinal);
        await device.ConnectAsync();
        Assert.Equal(0, (await controller.GetAsync("devices/dev-1"))["desiredGeneration"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_certificate_that_this_controller_did_not_issue_is_worth_nothing_whatever_name_it_carries()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        // Another authority: TLS refuses it.
        AuthorityFiles files = CertificateAuthority.Create("mallory", TimeProvider.System);
        using CertificateAuthority mallory = CertificateAuthority.Load(files.RootPem, files.IssuerPem, files.IssuerKeyPem, TimeProvider.System);
        Assert.Equal(StatusCode.Unavailable, await StatusOfSyncAsync(controller, mallory.IssueDevice("dev-1", CertificateRequests.Create(key, "dev-1")).ChainPem, key));
        // Our authority's, but of a stolen issuing key: the database does not know the serial number.
        Assert.Equal(
            StatusCode.PermissionDenied,
            await StatusOfSyncAsync(controller, controller.Authority.Authority.IssueDevice("dev-1", CertificateRequests.Create(key, "dev-1")).ChainPem, key));
        // A server's certificate of our authority is for servers.
        ServerCertificate server = controller.Authority.Authority.IssueServer("dev-1", ["localhost"]);
        using ECDsa serverKey = ECDsa.Create();
        serverKey.ImportFromPem(server.KeyPem);
        Assert.Equal(StatusCode.Unavailable, await StatusOfSyncAsync(controller, server.ChainPem, serverKey));
        // The controller's own client identity is no device.
        ServerCertificate own = controller.Authority.Authority.IssueClient(BrokerFactory.ControllerName);
        using ECDsa ownKey = ECDsa.Create();
        ownKey.ImportFromPem(own.KeyPem);
        Assert.Equal(StatusCode.PermissionDenied, await StatusOfSyncAsync(controller, own.ChainPem, ownKey));
    }

    [Fact]
    public async Task A_renewed_certificate_replaces_the_old_one_a_day_after_its_first_use()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using ECDsa newKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _time.Advance(TimeSpan.FromDays(7));

        Wire.RenewResponse renewed = await new Wire.Enrollment.EnrollmentClient(device.Channel()).RenewAsync(
            new Wire.RenewRequest { CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(newKey, "anything")) });
        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(renewed.CertificateChainPem);
        Assert.Equal("dev-1", CertificateTrust.CommonName(certificate));

        await device.ConnectAsync();
        Assert.Equal(StatusCode.OK, await StatusOfSyncAsync(controller, renewed.CertificateChainPem, newKey));
        await device.ConnectAsync();
        _time.Advance(TimeSpan.FromHours(25));
        RpcException refused = await Assert.ThrowsAsync<RpcException>(device.ConnectAsync);
        Assert.Contains("replaced by a newer one", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.OK, await StatusOfSyncAsync(controller, renewed.CertificateChainPem, newKey));
    }

    [Fact]
    public async Task A_certificate_that_has_ended_renews_itself_within_the_grace_and_does_nothing_else()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        _time.Advance(CertificateAuthority.DeviceLifetime + TimeSpan.FromDays(89));

        RpcException noSync = await Assert.ThrowsAsync<RpcException>(device.ConnectAsync);
        Assert.Equal(StatusCode.Unauthenticated, noSync.StatusCode);
        Assert.Contains("it may be renewed, and nothing else", noSync.Status.Detail, StringComparison.Ordinal);
        RpcException noManifest = await Assert.ThrowsAsync<RpcException>(async () => await new Wire.Artifacts.ArtifactsClient(device.Channel()).GetManifestAsync(new Wire.GetManifestRequest()));
        Assert.Equal(StatusCode.Unauthenticated, noManifest.StatusCode);

        using ECDsa newKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // The answer to the first is lost; what has ended is still good for another.
        await RenewAsync(device, newKey);
        string chain = (await RenewAsync(device, newKey)).CertificateChainPem;
        Assert.Equal(StatusCode.OK, await StatusOfSyncAsync(controller, chain, newKey));

        // Now that a newer one is in use, the one that has ended is nobody's any more.
        RpcException replaced = await Assert.ThrowsAsync<RpcException>(() => RenewAsync(device, newKey));
        Assert.Equal(StatusCode.PermissionDenied, replaced.StatusCode);
        Assert.Contains("replaced by a newer one", replaced.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_beyond_the_grace_and_one_of_a_revoked_device_renew_nothing()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice late = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await using ScriptedDevice revoked = await ScriptedDevice.EnrollAsync(controller, "dev-2", await controller.CreateTokenAsync());
        await controller.PostAsync("devices/dev-2/revoke", new JsonObject { ["reason"] = "stolen" });
        using ECDsa newKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _time.Advance(CertificateAuthority.DeviceLifetime + TimeSpan.FromDays(1));

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => RenewAsync(revoked, newKey));
        Assert.Equal((StatusCode.PermissionDenied, "device 'dev-2' is revoked"), (refused.StatusCode, refused.Status.Detail));
        _time.Advance(TimeSpan.FromDays(89.5));
        refused = await Assert.ThrowsAsync<RpcException>(() => RenewAsync(late, newKey));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains("enrol the device with a new token", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_with_its_key_and_a_new_token_gets_a_certificate_and_stays_what_it_is()
    {
        await using TestController controller = await StartAsync();
        string first = await controller.CreateTokenAsync(new JsonObject { ["autoApprove"] = true, ["labels"] = new JsonObject { ["site"] = "north" } });
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Wire.EnrollResponse before = await ScriptedDevice.AskAsync(controller, "dev-1", first, key);
        _time.Advance(CertificateAuthority.DeviceLifetime + TimeSpan.FromDays(200));
        string token = await controller.CreateTokenAsync(new JsonObject());

        Wire.EnrollResponse after = await ScriptedDevice.AskAsync(controller, "dev-1", token, key);
        Assert.Equal(State.Enrolled, after.State);
        Assert.NotEqual(before.CertificateChainPem, after.CertificateChainPem);
        Assert.Equal(after.CertificateChainPem, (await ScriptedDevice.AskAsync(controller, "dev-1", token, key)).CertificateChainPem);
        Assert.Equal(StatusCode.OK, await StatusOfSyncAsync(controller, after.CertificateChainPem, key));

        Assert.Equal("north", (await controller.GetAsync("devices/dev-1"))["labels"]!["site"]!.GetValue<string>());
        await RefusedAsync(controller, "dev-2", token, "has let in as many devices");
        Assert.Contains("device.readmitted", (await controller.GetAsync("audit")).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_that_renews_again_and_again_takes_no_room_and_loses_no_certificate_that_it_may_have()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using ECDsa newKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string last = "";
        for (int i = 0; i < 12; i++)
        {
            last = (await RenewAsync(device, newKey)).CertificateChainPem;
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(await controller.Database.ReadAsync(session => session.QueryOne<long>("SELECT COUNT(*) FROM certificates WHERE device_id = 'dev-1'"), CancellationToken.None), 2, 5);
        await device.ConnectAsync();
        Assert.Equal(StatusCode.OK, await StatusOfSyncAsync(controller, last, newKey));
    }

    [Fact]
    public async Task A_release_key_that_is_half_copied_ends_no_stream_and_keeps_newcomers_waiting_until_it_is_whole()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using ReleaseKey second = ReleaseKey.Create();
        await File.WriteAllTextAsync(_folder["data/trust/second.pub"], second.PublicPem()[..60]);

        await device.ConnectAsync();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string token = await controller.CreateTokenAsync();
        RpcException waiting = await Assert.ThrowsAsync<RpcException>(() => ScriptedDevice.AskAsync(controller, "dev-2", token, key));
        Assert.Equal(StatusCode.Unavailable, waiting.StatusCode);
        Assert.Contains("second.pub", waiting.Status.Detail, StringComparison.Ordinal);
        // What the others signed is published as ever.
        await controller.PublishAsync("v1");

        await File.WriteAllTextAsync(_folder["data/trust/second.pub"], second.PublicPem());
        Assert.Equal(2, (await ScriptedDevice.AskAsync(controller, "dev-2", token, key)).ReleaseKeysPem.Count);
    }

    [Fact]
    public async Task A_revocation_reaches_the_broker_although_whoever_asked_has_hung_up()
    {
        HangUp hangUp = new();
        await using TestController controller = await TestController.StartAsync(_folder, new ControllerParts { Observer = hangUp });
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        DeviceRegistry registry = controller.Service<DeviceRegistry>();
        NotingBroker broker = new();
        registry.Broker = broker;

        // The request is given up at the moment at which it is on disk.
        using (CancellationTokenSource gone = hangUp.At("revoke dev-1"))
        {
            await registry.RevokeAsync("dev-1", "stolen", "test", gone.Token);
            Assert.True(gone.IsCancellationRequested);
        }
        Assert.Equal(["dev-1"], broker.Revoked);
        using (CancellationTokenSource gone = hangUp.At("remove dev-1"))
        {
            await registry.RemoveAsync("dev-1", "test", gone.Token);
            Assert.True(gone.IsCancellationRequested);
        }
        Assert.Empty(broker.Revoked);
    }

    /// <summary>Cancels a request when its work is committed.</summary>
    private sealed class HangUp : IWriteObserver
    {
        private string _work = "";
        private CancellationTokenSource? _gone;

        public CancellationTokenSource At(string work)
        {
            _work = work;
            return _gone = new CancellationTokenSource();
        }

        public void Committing(IReadOnlyList<string> work)
        {
        }

        public void Committed(IReadOnlyList<string> work)
        {
            if (work.Contains(_work))
            {
                _gone?.Cancel();
            }
        }
    }

    private sealed class NotingBroker : IReportBroker
    {
        public HashSet<string> Revoked { get; } = [];

        public Task<BrokerEndpoint> StartAsync(CancellationToken cancellationToken) => Task.FromResult(new BrokerEndpoint("localhost", 1));

        public Task<bool> RevokeAsync(string deviceId, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Task.FromResult(Revoked.Add(deviceId));
        }

        public Task<bool> RestoreAsync(string deviceId, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Task.FromResult(Revoked.Remove(deviceId));
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Each_listener_serves_its_own_audience_only()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        RpcException noSync = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            using GrpcChannel open = ScriptedDevice.Channel(controller, controller.Host.Endpoints.EnrollUrl, null);
            using var call = new Wire.Fleet.FleetClient(open).Sync(new Wire.SyncRequest());
            await call.ResponseStream.MoveNext(CancellationToken.None);
        });
        Assert.Equal(StatusCode.Unimplemented, noSync.StatusCode);
        RpcException noEnroll = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Wire.Enrollment.EnrollmentClient(device.Channel()).EnrollAsync(new Wire.EnrollRequest { Token = "x" }));
        Assert.Equal(StatusCode.Unimplemented, noEnroll.StatusCode);
        Assert.Equal(StatusCode.Unavailable, await StatusOfSyncAsync(controller, null, key));
        using HttpClient http = new();
        using HttpResponseMessage grpcOnOperator = await http.PostAsync(new Uri(controller.Host.Endpoints.OperatorUrl + "/edgefleet.v1.Enrollment/Enroll"), null);
        Assert.Equal(HttpStatusCode.NotFound, grpcOnOperator.StatusCode);
    }

    private static async Task RefusedAsync(TestController controller, string id, string token, string why, StatusCode status = StatusCode.PermissionDenied)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => ScriptedDevice.AskAsync(controller, id, token, key));
        Assert.Equal(status, error.StatusCode);
        Assert.Contains(why, error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<Wire.RenewResponse> RenewAsync(ScriptedDevice device, ECDsa key) => await new Wire.Enrollment.EnrollmentClient(device.Channel())
        .RenewAsync(new Wire.RenewRequest { CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, "anything")) });

    private static async Task<StatusCode> StatusOfSyncAsync(TestController controller, string? chainPem, ECDsa key)
    {
        using PemIdentity? identity = chainPem is null ? null : PemIdentity.Load(chainPem, key.ExportPkcs8PrivateKeyPem());
        using GrpcChannel channel = ScriptedDevice.Channel(controller, controller.Host.Endpoints.DeviceUrl, identity);
        try
        {
            using var call = new Wire.Fleet.FleetClient(channel).Sync(new Wire.SyncRequest());
            await call.ResponseStream.MoveNext(CancellationToken.None);
            return StatusCode.OK;
        }
        catch (RpcException ex)
        {
            return ex.StatusCode;
        }
    }
}
