using System.Security.Cryptography;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Agent.Tests.Serving;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using EdgeFleet.Trust.Certificates;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Enrollment;

/// <summary>The device's certificate lives 14 days and is renewed with a new key between half and two thirds of them.</summary>
public sealed class RenewalTests : IAsyncLifetime
{
    private static readonly TimeSpan s_due = CertificateAuthority.DeviceLifetime * 2 / 3;
    private readonly ManualTimeProvider _time = new();
    private readonly LogWatch _log = new();
    private readonly SimulatedDisk _disk = new();
    private ScriptedController _controller = null!;

    public async Task InitializeAsync()
    {
        _controller = await ScriptedController.StartAsync(_time);
        EnrolledDevice.Create(_controller, _disk);
    }

    public async Task DisposeAsync() => await _controller.DisposeAsync();

    [Fact]
    public async Task A_certificate_in_the_first_half_of_its_life_is_left_alone()
    {
        using ControllerLink link = Link();
        _time.Advance(TimeSpan.FromDays(6.5));

        Assert.False(await RenewAsync(link));
        Assert.Equal(0, _controller.Enrollment.Renewals);
    }

    [Fact]
    public async Task A_certificate_that_is_due_is_renewed_with_a_new_key_and_used_from_then_on()
    {
        string before = EnrolledDevice.KeyOf(_disk);
        using (ControllerLink link = Link())
        {
            _time.Advance(s_due);
            Assert.True(await RenewAsync(link));
            Assert.False(await RenewAsync(link));
            Assert.Equal(_time.GetUtcNow() + CertificateAuthority.DeviceLifetime, new DateTimeOffset(link.Identity.Leaf.NotAfter));
        }
        Assert.NotEqual(before, EnrolledDevice.KeyOf(_disk));

        // Past the end of the first one, a start with what is on disk is still let in.
        _time.Advance(TimeSpan.FromDays(10));
        using ControllerLink next = Link();
        using var call = new Wire.Fleet.FleetClient(next.Channel).Sync(new Wire.SyncRequest());
        Assert.Equal(EnrolledDevice.Id, (await _controller.Fleet.NextStreamAsync()).Device);
    }

    [Theory, InlineData("refused"), InlineData("dies"), InlineData("another device"), InlineData("another fleet"), InlineData("another key"), InlineData("nothing")]
    public async Task A_renewal_that_fails_keeps_the_old_certificate_says_so_and_is_not_tried_in_a_hurry(string how)
    {
        await using ScriptedController other = await ScriptedController.StartAsync(_time);
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _controller.Enrollment.Renewal = (answer, context) => how switch
        {
            "refused" => throw new RpcException(new Status(StatusCode.PermissionDenied, "device 'device-1' is revoked")),
            "dies" => throw ScriptedController.Die(context),
            "another device" => Answer(_controller.Authority, "device-2"),
            "another fleet" => Answer(other.Authority, EnrolledDevice.Id),
            "another key" => Answer(_controller.Authority, EnrolledDevice.Id),
            _ => Task.FromResult(new Wire.RenewResponse()),
        };
        Task<Wire.RenewResponse> Answer(CertificateAuthority authority, string id) =>
            Task.FromResult(new Wire.RenewResponse { CertificateChainPem = authority.IssueDevice(id, CertificateRequests.Create(stranger, id)).ChainPem });
        string before = EnrolledDevice.KeyOf(_disk);
        using ControllerLink link = Link();
        _time.Advance(s_due);

        Assert.False(await RenewAsync(link));
        Assert.False(await RenewAsync(link));

        Assert.Equal(1, _controller.Enrollment.Renewals);
        Assert.Equal(before, EnrolledDevice.KeyOf(_disk));
        string said = Assert.Single(_log.Messages, message => message.Contains("was not renewed", StringComparison.Ordinal));
        Assert.Contains(how switch
        {
            "refused" => "PermissionDenied: device 'device-1' is revoked",
            "dies" => "Unavailable",
            "nothing" => "no certificate in the chain",
            // Whatever else is wrong with it: it is not for the key that was just made.
            _ => "do not belong together",
        }, said, StringComparison.Ordinal);

        _controller.Enrollment.Renewal = static (answer, _) => Task.FromResult(answer);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(await RenewAsync(link));
    }

    [Fact]
    public void A_renewed_certificate_for_another_device_or_of_another_fleet_is_not_taken_even_with_the_right_key()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AuthorityFiles files = CertificateAuthority.Create("other", _time);
        using CertificateAuthority other = CertificateAuthority.Load(files.RootPem, files.IssuerPem, files.IssuerKeyPem, _time);
        using PemIdentity inUse = new IdentityFiles(new StateFolder(DeviceRig.Root, _disk)).LoadIdentity();
        PemIdentity Check(CertificateAuthority authority, string id) => RenewalAnswer.Check(
            authority.IssueDevice(id, CertificateRequests.Create(key, id)).ChainPem, key, EnrolledDevice.Id, _controller.Authority.RootPem, inUse, _time.GetUtcNow());

        Assert.Contains("for 'device-2', this device is 'device-1'", Assert.Throws<FormatException>(() => Check(_controller.Authority, "device-2")).Message, StringComparison.Ordinal);
        Assert.Contains("does not lead to this fleet's root", Assert.Throws<FormatException>(() => Check(other, EnrolledDevice.Id)).Message, StringComparison.Ordinal);
        using PemIdentity good = Check(_controller.Authority, EnrolledDevice.Id);
        Assert.Equal(EnrolledDevice.Id, good.CommonName);
    }

    public static TheoryData<PowerCutLoss> Losses => [.. Enum.GetValues<PowerCutLoss>()];

    [Theory, MemberData(nameof(Losses))]
    public async Task A_power_cut_at_any_change_of_the_disk_leaves_the_old_identity_or_the_new(PowerCutLoss loss)
    {
        string old = EnrolledDevice.KeyOf(_disk);
        _time.Advance(s_due);
        int changes = await CutAsync(Copy(_disk), null);
        Assert.InRange(changes, 10, 40);

        int kept = 0, renewed = 0;
        for (int cut = 1; cut <= changes; cut++)
        {
            SimulatedDisk disk = Copy(_disk);
            await CutAsync(disk, cut);
            SimulatedDisk after = disk.AfterPowerCut(loss);
            // Throws where key and certificate are of two renewals.
            using PemIdentity identity = new IdentityFiles(new StateFolder(DeviceRig.Root, after)).LoadIdentity();
            _ = EnrolledDevice.KeyOf(after) == old ? kept++ : renewed++;
        }
        Assert.True(kept > 0 && renewed > 0, $"{kept} cuts kept the old identity and {renewed} ended with the new one");
    }

    [Fact]
    public void Moving_the_certificate_before_the_key_would_leave_half_an_identity()
    {
        // The negative control: what the order of the renames is for.
        IdentityFiles files = new(new StateFolder(DeviceRig.Root, _disk));
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DurableFile.Write(_disk, $"{DeviceRig.Root}/identity/device.pem", System.Text.Encoding.ASCII.GetBytes(
            _controller.Authority.IssueDevice(EnrolledDevice.Id, CertificateRequests.Create(key, EnrolledDevice.Id)).ChainPem));

        Assert.Throws<FormatException>(files.LoadIdentity);
    }

    [Fact]
    public void A_renewal_that_a_failing_disk_stopped_half_way_is_ended_before_the_next_begins()
    {
        byte[] Chain(ECDsa key) => System.Text.Encoding.ASCII.GetBytes(
            _controller.Authority.IssueDevice(EnrolledDevice.Id, CertificateRequests.Create(key, EnrolledDevice.Id)).ChainPem);
        using ECDsa first = ECDsa.Create(ECCurve.NamedCurves.nistP256), second = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        SimulatedDisk dry = Stopped(_disk, first, Chain(first));
        int before = dry.Operations.Count;
        new IdentityFiles(new StateFolder(DeviceRig.Root, dry)).Renew(second, System.Text.Encoding.ASCII.GetString(Chain(second)));
        int changes = dry.Operations.Count - before;

        for (int cut = 1; cut <= changes; cut++)
        {
            SimulatedDisk disk = Stopped(_disk, first, Chain(first));
            disk.CutBefore = disk.Operations.Count + cut;
            Assert.Throws<PowerCutException>(() => new IdentityFiles(new StateFolder(DeviceRig.Root, disk)).Renew(second, System.Text.Encoding.ASCII.GetString(Chain(second))));
            using PemIdentity identity = new IdentityFiles(new StateFolder(DeviceRig.Root, disk.AfterPowerCut(PowerCutLoss.Nothing))).LoadIdentity();
            Assert.Equal(EnrolledDevice.Id, identity.CommonName);
        }
    }

    /// <summary>A disk on which the first renewal failed when the moved key should have been flushed.</summary>
    private static SimulatedDisk Stopped(SimulatedDisk from, ECDsa key, byte[] chain)
    {
        SimulatedDisk disk = Copy(from);
        disk.FailFlush = path => path == $"{DeviceRig.Root}/identity" && !disk.Exists($"{DeviceRig.Root}/identity/next/device.key") && disk.Exists($"{DeviceRig.Root}/identity/next/device.pem");
        Assert.Throws<IOException>(() => new IdentityFiles(new StateFolder(DeviceRig.Root, disk)).Renew(key, System.Text.Encoding.ASCII.GetString(chain)));
        disk.FailFlush = null;
        return disk;
    }

    /// <summary>The identity folder on a disk of its own.</summary>
    private static SimulatedDisk Copy(SimulatedDisk from)
    {
        SimulatedDisk disk = new();
        StateFolder state = new(DeviceRig.Root, disk);
        state.Prepare();
        foreach (string name in from.List(state.Identity).Where(name => from.Read($"{state.Identity}/{name}") is not null))
        {
            DurableFile.Write(disk, $"{state.Identity}/{name}", from.Read($"{state.Identity}/{name}"));
        }
        return disk;
    }

    /// <summary>Renews on a disk; says how many changes that took.</summary>
    private async Task<int> CutAsync(SimulatedDisk disk, int? cut)
    {
        using ControllerLink link = Link(disk);
        int before = disk.Operations.Count;
        disk.CutBefore = before + cut;
        if (cut is null)
        {
            Assert.True(await RenewAsync(link));
        }
        else
        {
            await Assert.ThrowsAsync<PowerCutException>(() => RenewAsync(link));
        }
        return disk.Operations.Count - before;
    }

    private Task<bool> RenewAsync(ControllerLink link) => link.RenewIfDueAsync(_time.GetUtcNow(), CancellationToken.None);

    private ControllerLink Link(SimulatedDisk? disk = null) => new(
        new IdentityFiles(new StateFolder(DeviceRig.Root, disk ?? _disk)), EnrolledDevice.Document(_controller), _time, _log.CreateLogger<ControllerLink>());
}
