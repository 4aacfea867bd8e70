using System.Text;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using EdgeFleet.Trust.Envelopes;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Enrollment;

/// <summary>Enrolment as a device lives it, against a controller over real TLS.</summary>
public sealed class EnrollmentTests : IAsyncLifetime
{
    private const string Id = EnrolledDevice.Id;
    private readonly SimulatedDisk _disk = new();
    private ScriptedController _controller = null!;

    public async Task InitializeAsync() => _controller = await ScriptedController.StartAsync();

    public async Task DisposeAsync() => await _controller.DisposeAsync();

    [Fact]
    public async Task A_device_with_a_token_becomes_a_member_and_asking_again_asks_nobody()
    {
        EnrollmentBundle bundle = _controller.Bundle();
        (EnrollmentDocument document, bool was) = await EnrollAsync(_disk, bundle);

        Assert.False(was);
        Assert.Equal((Id, "default", _controller.DeviceUrl, _controller.Authority.RootPin), (document.DeviceId, document.Tenant, document.Endpoints.DeviceUrl, document.RootPin));
        Assert.Equal(_controller.Enrollment.Devices[Id], KeyIdOn(_disk));

        (EnrollmentDocument again, bool wasThen) = await EnrollAsync(_disk, bundle);
        Assert.True(wasThen);
        Assert.Equal(document.EnrolledAt, again.EnrolledAt);
        Assert.Equal(1, _controller.Enrollment.Calls);
    }

    [Fact]
    public async Task A_member_with_the_bundle_of_a_new_token_enrols_anew_by_its_key_and_keeps_what_it_holds()
    {
        StateFolder state = new(DeviceRig.Root, _disk);
        await EnrollAsync(_disk, _controller.Bundle());
        string key = EnrolledDevice.KeyOf(_disk);
        byte[] before = _disk.Read($"{state.Identity}/device.pem")!;
        DurableDirectory.Create(_disk, $"{state.Root}/models/fashion");
        DurableFile.Write(_disk, $"{state.Root}/models/fashion/slots.json", "{}"u8);

        (EnrollmentDocument document, bool was) = await EnrollAsync(_disk, _controller.Bundle());

        Assert.False(was);
        Assert.Equal(Id, document.DeviceId);
        Assert.Equal(key, EnrolledDevice.KeyOf(_disk));
        Assert.NotEqual(before, _disk.Read($"{state.Identity}/device.pem"));
        Assert.True(_disk.Exists($"{state.Root}/models/fashion/slots.json"));
        Assert.Equal(2, _controller.Enrollment.Calls);
    }

    [Fact]
    public async Task A_device_believes_the_release_keys_of_its_bundle_and_not_those_that_the_controller_names()
    {
        using ReleaseKey own = ReleaseKey.Create();
        (EnrollmentDocument pinned, _) = await EnrollAsync(_disk, _controller.Bundle() with { ReleaseKeys = [own.PublicPem()] });
        Assert.Equal([own.PublicPem()], pinned.ReleaseKeys);

        // A new bundle is how they are changed later; one without keys takes the controller's word.
        (EnrollmentDocument told, _) = await EnrollAsync(_disk, _controller.Bundle());
        Assert.Equal([TestArtifacts.Key.PublicPem()], told.ReleaseKeys);
    }

    [Fact]
    public async Task A_member_whose_new_token_is_refused_keeps_the_identity_that_it_has()
    {
        StateFolder state = new(DeviceRig.Root, _disk);
        await EnrollAsync(_disk, _controller.Bundle());
        byte[] before = _disk.Read($"{state.Identity}/device.pem")!;

        await Assert.ThrowsAsync<EnrollmentRefusedException>(() => EnrollAsync(_disk, _controller.Bundle(EnrollmentToken.Create())));

        Assert.Equal(before, _disk.Read($"{state.Identity}/device.pem"));
        using PemIdentity identity = new IdentityFiles(state).LoadIdentity();
        Assert.Equal(Id, identity.CommonName);
    }

    [Fact]
    public async Task A_token_that_was_used_lets_no_second_device_in()
    {
        EnrollmentBundle bundle = _controller.Bundle();
        await EnrollAsync(_disk, bundle);

        await RefusedAsync(bundle, "device-2", "the token has let in as many devices as it was made for");
        Assert.Equal([Id], _controller.Enrollment.Devices.Keys);
    }

    [Fact]
    public Task An_expired_token_is_refused_with_the_time_at_which_it_ended() =>
        RefusedAsync(_controller.Bundle(_controller.Enrollment.Grant(lifetime: TimeSpan.FromSeconds(-1))), Id, "the token expired at 20");

    [Fact]
    public Task A_token_that_is_bound_to_another_device_is_refused() =>
        RefusedAsync(_controller.Bundle(_controller.Enrollment.Grant("device-9")), Id, "bound to another device than 'device-1'");

    [Fact]
    public async Task The_token_of_another_fleet_is_refused()
    {
        await using ScriptedController other = await ScriptedController.StartAsync();
        await RefusedAsync(_controller.Bundle(other.Enrollment.Grant()), Id, "the token is not known here");
    }

    [Fact]
    public async Task A_server_that_does_not_lead_to_the_pinned_root_never_sees_the_token()
    {
        await using ScriptedController impostor = await ScriptedController.StartAsync();
        EnrollmentBundle bundle = _controller.Bundle() with { EnrollUrl = impostor.EnrollUrl };

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => EnrollAsync(_disk, bundle));

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Contains($"does not lead to the pinned root {bundle.RootPin}", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, impostor.Enrollment.Calls);
    }

    [Theory, InlineData(1970), InlineData(2100)]
    public async Task A_clock_that_cannot_be_right_does_not_keep_a_device_out(int year)
    {
        ManualTimeProvider wrong = new(new DateTimeOffset(year, 1, 1, 0, 0, 30, TimeSpan.Zero));
        await EnrollAsync(_disk, _controller.Bundle(), time: wrong);

        Assert.Equal(_controller.Enrollment.Devices[Id], KeyIdOn(_disk));
    }

    [Fact]
    public async Task A_clock_that_is_days_behind_keeps_a_device_neither_from_enrolling_nor_from_its_stream()
    {
        // Inside the root's life, and before the server's certificate: a board without a clock battery, or a controller that
        // was started since.
        ManualTimeProvider controllers = new(DateTimeOffset.UtcNow.AddYears(-1));
        await using ScriptedController controller = await ScriptedController.StartAsync(controllers, serverIssuedAfter: TimeSpan.FromDays(30));
        ManualTimeProvider behind = new(controllers.GetUtcNow().AddDays(-10));
        await EnrollAsync(_disk, controller.Bundle(), time: behind);

        Assert.Equal(controller.Enrollment.Devices[Id], KeyIdOn(_disk));
        Assert.Null(await FailureOfACallAsync(controller, behind));
    }

    [Fact]
    public async Task A_certificate_that_ended_before_the_devices_own_began_is_refused_however_far_the_clock_is_behind()
    {
        ManualTimeProvider controllers = new(DateTimeOffset.UtcNow.AddYears(-1));
        await using ScriptedController controller = await ScriptedController.StartAsync(controllers);
        // The device has a certificate that is younger than the end of the one that the server shows.
        controllers.Advance(TimeSpan.FromDays(100));
        await EnrollAsync(_disk, controller.Bundle(), time: new ManualTimeProvider(controllers.GetUtcNow().AddDays(-50)));

        string? failure = await FailureOfACallAsync(controller, new ManualTimeProvider(controllers.GetUtcNow().AddDays(-50)));
        Assert.Contains("the server's certificate is valid from", failure, StringComparison.Ordinal);
    }

    /// <summary>What TLS says of a call with the identity on the disk; null where it lets it through.</summary>
    private async Task<string?> FailureOfACallAsync(ScriptedController controller, TimeProvider time)
    {
        using PemIdentity identity = new IdentityFiles(new StateFolder(DeviceRig.Root, _disk)).LoadIdentity();
        using GrpcChannel channel = DeviceChannel.Create(controller.DeviceUrl, controller.Authority.RootPem, identity, time);
        try
        {
            using System.Security.Cryptography.ECDsa key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
            await new Wire.Enrollment.EnrollmentClient(channel).RenewAsync(new Wire.RenewRequest
            {
                CertificateRequest = Google.Protobuf.ByteString.CopyFrom(CertificateRequests.Create(key, Id)),
            });
            return null;
        }
        catch (RpcException ex) when (ex.StatusCode == StatusCode.Unavailable)
        {
            return ex.Status.Detail;
        }
    }

    [Fact]
    public async Task A_clock_that_lies_beyond_the_servers_certificate_is_named_as_the_reason()
    {
        // Inside the root's life it may be right, and then the certificate is truly over.
        ManualTimeProvider wrong = new(DateTimeOffset.UtcNow.AddYears(3));

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => EnrollAsync(_disk, _controller.Bundle(), time: wrong));

        Assert.Contains($"this device's clock says {wrong.GetUtcNow():u}", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, _controller.Enrollment.Calls);
    }

    [Fact]
    public async Task A_controller_that_dies_before_it_answers_leaves_one_identity_in_the_end()
    {
        int answers = 0;
        _controller.Enrollment.BeforeAnswer = context => ++answers == 1 ? throw ScriptedController.Die(context) : Task.CompletedTask;
        EnrollmentBundle bundle = _controller.Bundle();

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => EnrollAsync(_disk, bundle))).StatusCode);
        Assert.Null(new IdentityFiles(new StateFolder(DeviceRig.Root, _disk)).Document);
        await EnrollAsync(_disk, bundle);

        Assert.Equal(_controller.Enrollment.Devices[Id], KeyIdOn(_disk));
        Assert.Equal((2, 1), (_controller.Enrollment.Calls, _controller.Enrollment.Devices.Count));
    }

    [Fact]
    public async Task A_controller_that_hangs_is_given_up_and_the_next_attempt_gets_the_same_identity()
    {
        int answers = 0;
        _controller.Enrollment.BeforeAnswer = context => ++answers == 1 ? Task.Delay(Timeout.Infinite, context.CancellationToken) : Task.CompletedTask;
        EnrollmentBundle bundle = _controller.Bundle();

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => EnrollAsync(_disk, bundle, callLimit: TimeSpan.FromSeconds(2)));
        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
        await EnrollAsync(_disk, bundle);

        Assert.Equal(_controller.Enrollment.Devices[Id], KeyIdOn(_disk));
    }

    public static TheoryData<PowerCutLoss> Losses => [.. Enum.GetValues<PowerCutLoss>()];

    [Theory, MemberData(nameof(Losses))]
    public async Task A_power_cut_at_any_change_of_the_disk_ends_in_one_identity(PowerCutLoss loss)
    {
        SimulatedDisk dry = Prepared();
        int before = dry.Operations.Count;
        await EnrollAsync(dry, _controller.Bundle(), "dry-run");
        int changes = dry.Operations.Count - before;
        Assert.InRange(changes, 12, 60);

        for (int cut = 1; cut <= changes; cut++)
        {
            string id = $"device-{cut}";
            EnrollmentBundle bundle = _controller.Bundle();
            SimulatedDisk disk = Prepared();
            disk.CutBefore = disk.Operations.Count + cut;
            await Assert.ThrowsAsync<PowerCutException>(() => EnrollAsync(disk, bundle, id));

            SimulatedDisk after = disk.AfterPowerCut(loss);
            await EnrollAsync(after, bundle, id);
            Assert.Equal(_controller.Enrollment.Devices[id], KeyIdOn(after, id));
        }
    }

    [Fact]
    public async Task A_key_that_was_not_on_disk_before_it_was_shown_would_lock_the_device_out()
    {
        // The negative control of the rig above: a disk that loses the key after the controller has seen it.
        EnrollmentBundle bundle = _controller.Bundle();
        SimulatedDisk disk = Prepared();
        await EnrollAsync(disk, bundle);
        disk.Delete($"{DeviceRig.Root}/identity/device.key");
        disk.Delete($"{DeviceRig.Root}/identity/enrollment.json");

        EnrollmentRefusedException refused = await Assert.ThrowsAsync<EnrollmentRefusedException>(() => EnrollAsync(disk, bundle));
        Assert.Contains("enrolled with another key", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_of_another_fleet_is_left_as_it_is_and_named()
    {
        await EnrollAsync(_disk, _controller.Bundle());
        await using ScriptedController other = await ScriptedController.StartAsync();

        EnrollmentRefusedException refused = await Assert.ThrowsAsync<EnrollmentRefusedException>(() => EnrollAsync(_disk, other.Bundle()));

        Assert.Contains($"'{DeviceRig.Root}' is enrolled as '{Id}'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(_controller.Authority.RootPin, refused.Message, StringComparison.Ordinal);
        Assert.Contains(other.Authority.RootPin, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, other.Enrollment.Calls);
        Assert.Equal(_controller.Enrollment.Devices[Id], KeyIdOn(_disk));
    }

    public static TheoryData<string, string> BadAnswers => new()
    {
        { "another root", "gave a root with pin" },
        { "another device", "the certificate is for 'device-1', the answer for 'device-2'" },
        { "another key", "do not belong together" },
        { "no certificate", "no certificate in the chain" },
        { "no tenant", "tenant ''" },
    };

    [Theory, MemberData(nameof(BadAnswers))]
    public async Task An_answer_that_cannot_be_used_leaves_the_device_unenrolled_and_says_why(string what, string why)
    {
        await using ScriptedController other = await ScriptedController.StartAsync();
        using System.Security.Cryptography.ECDsa stranger = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        _controller.Enrollment.Answer = answer =>
        {
            switch (what)
            {
                case "another root": answer.RootPem = other.Authority.RootPem; break;
                case "another device": answer.DeviceId = "device-2"; break;
                case "another key": answer.CertificateChainPem = _controller.Authority.IssueDevice(Id, CertificateRequests.Create(stranger, Id)).ChainPem; break;
                case "no certificate": answer.CertificateChainPem = ""; break;
                default: answer.Tenant = ""; break;
            }
            return answer;
        };
        await RefusedAsync(_controller.Bundle(), Id, why);
    }

    [Fact]
    public void A_bundle_with_a_key_that_is_not_known_is_refused_and_the_key_named()
    {
        string json = Encoding.UTF8.GetString(_controller.Bundle().ToBytes());
        string changed = json.Replace("\"token\"", "\"onlyOnMondays\": true, \"token\"", StringComparison.Ordinal);

        FormatException refused = Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes(Encoding.UTF8.GetBytes(changed)));
        Assert.Contains("onlyOnMondays", refused.Message, StringComparison.Ordinal);
        Assert.Equal(_controller.EnrollUrl, EnrollmentBundle.FromBytes(Encoding.UTF8.GetBytes(json)).EnrollUrl);
    }

    [Fact]
    public void A_bundle_that_is_cut_off_anywhere_is_refused()
    {
        byte[] whole = _controller.Bundle().ToBytes();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.StartsWith("enrolment bundle: ", Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes(whole.AsSpan(0, length))).Message, StringComparison.Ordinal);
        }
    }

    private async Task RefusedAsync(EnrollmentBundle bundle, string id, string why)
    {
        SimulatedDisk disk = new();
        EnrollmentRefusedException refused = await Assert.ThrowsAsync<EnrollmentRefusedException>(() => EnrollAsync(disk, bundle, id));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Contains(_controller.EnrollUrl, refused.Message, StringComparison.Ordinal);
        Assert.Null(new IdentityFiles(new StateFolder(DeviceRig.Root, disk)).Document);
    }

    private static Task<(EnrollmentDocument Document, bool WasEnrolled)> EnrollAsync(
        SimulatedDisk disk, EnrollmentBundle bundle, string id = Id, TimeProvider? time = null, TimeSpan? callLimit = null) =>
        new Enroller(new StateFolder(DeviceRig.Root, disk), time ?? TimeProvider.System) { CallLimit = callLimit ?? TimeSpan.FromSeconds(30) }
            .EnrollAsync(bundle, id, DeviceRig.Hardware, new Dictionary<string, string>(), null, CancellationToken.None);

    private static SimulatedDisk Prepared()
    {
        SimulatedDisk disk = new();
        new StateFolder(DeviceRig.Root, disk).Prepare();
        return disk;
    }

    /// <summary>The key of the identity on disk, as the controller counts keys; the files have to belong together.</summary>
    private static string KeyIdOn(SimulatedDisk disk, string id = Id)
    {
        IdentityFiles files = new(new StateFolder(DeviceRig.Root, disk));
        Assert.Equal(id, files.Document!.DeviceId);
        using PemIdentity identity = files.LoadIdentity();
        Assert.Equal(id, identity.CommonName);
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(identity.Leaf.PublicKey.ExportSubjectPublicKeyInfo()));
    }
}
