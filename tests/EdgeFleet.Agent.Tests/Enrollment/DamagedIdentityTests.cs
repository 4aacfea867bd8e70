using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Agent.Tests.Enrollment;

/// <summary>A card that wears out takes a file of the identity: what a start makes of that.</summary>
public sealed class DamagedIdentityTests : IAsyncLifetime
{
    private static readonly string s_folder = $"{DeviceRig.Root}/identity";
    private readonly SimulatedDisk _disk = new();
    private ScriptedController _controller = null!;

    public static TheoryData<string> Names => ["device.key", "device.pem", "root.pem", "enrollment.json"];

    public async Task InitializeAsync()
    {
        _controller = await ScriptedController.StartAsync();
        EnrolledDevice.Create(_controller, _disk);
    }

    public async Task DisposeAsync() => await _controller.DisposeAsync();

    [Theory, MemberData(nameof(Names))]
    public void A_damaged_file_comes_back_from_its_copy_wherever_the_bit_flipped(string name)
    {
        Assert.Empty(Files(_disk).Mend());
        byte[] whole = _disk.Read($"{s_folder}/{name}")!;
        List<byte[]?> damages = [null, [], whole[..(whole.Length / 2)], new byte[whole.Length]];
        for (int at = 0; at < whole.Length; at += 5)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 1;
            damages.Add(flipped);
        }
        int mended = 0;
        foreach (byte[]? damage in damages)
        {
            SimulatedDisk disk = _disk.AfterPowerCut(PowerCutLoss.Nothing);
            Put(disk, name, damage);

            mended += Files(disk).Mend().Count;

            Assert.Empty(Files(disk).Mend());
            using PemIdentity identity = Files(disk).LoadIdentity();
            Assert.Equal((EnrolledDevice.Id, EnrolledDevice.Id), (identity.CommonName, Files(disk).Document!.DeviceId));
            Assert.True(CertificateTrust.FromPem(Files(disk).LoadRootPem(), TimeProvider.System).AcceptsClient(identity.Leaf, SentWith(identity)));
            using ECDsa key = identity.Leaf.GetECDsaPrivateKey()!, known = identity.Leaf.GetECDsaPublicKey()!;
            Assert.True(known.VerifyData(whole, key.SignData(whole, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
        }
        // Some bits say nothing: a line's end, the signature that a root puts under itself.
        Assert.InRange(mended, damages.Count * 2 / 3, damages.Count);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Without_a_good_copy_the_file_is_named_and_enrolling_anew_is_the_way_out(string name)
    {
        Files(_disk).Mend();
        Put(_disk, name, [1, 2, 3]);
        Put(_disk, $"spare/{name}", [4, 5, 6]);

        for (int start = 0; start < 2; start++)
        {
            string said = Assert.Throws<DamagedIdentityException>(() => Files(_disk).Mend()).Message;
            Assert.Contains($"'{name}'", said, StringComparison.Ordinal);
            Assert.Contains($"edgefleet-agent enroll --state {DeviceRig.Root} --bundle FILE", said, StringComparison.Ordinal);
        }
        await new Enroller(new StateFolder(DeviceRig.Root, _disk), TimeProvider.System)
            .EnrollAsync(_controller.Bundle(), EnrolledDevice.Id, DeviceRig.Hardware, new Dictionary<string, string>(), null, CancellationToken.None);
        Assert.Empty(Files(_disk).Mend());
        using PemIdentity identity = Files(_disk).LoadIdentity();
        Assert.Equal(EnrolledDevice.Id, identity.CommonName);
    }

    [Fact]
    public void The_copy_is_of_the_newest_certificate()
    {
        Files(_disk).Mend();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string chain = _controller.Authority.IssueDevice(EnrolledDevice.Id, CertificateRequests.Create(key, EnrolledDevice.Id)).ChainPem;
        Files(_disk).Renew(key, chain);
        Put(_disk, "device.key", [1]);

        Assert.Single(Files(_disk).Mend());

        Assert.Equal(chain, System.Text.Encoding.UTF8.GetString(_disk.Read($"{s_folder}/device.pem")!));
        using PemIdentity identity = Files(_disk).LoadIdentity();
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), identity.Leaf.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void A_disk_without_room_for_the_copy_stops_nothing()
    {
        _disk.CapacityBytes -= _disk.AvailableBytes("/");

        Assert.Empty(Files(_disk).Mend());

        using PemIdentity identity = Files(_disk).LoadIdentity();
        Assert.Null(_disk.Read($"{s_folder}/spare/device.key"));
    }

    [Theory]
    [InlineData(3, "'enrollment.json' is damaged", "identity/enrollment.json", "not a document")]
    [InlineData(2, "run edgefleet-agent enroll first", "unused", "")]
    public async Task Only_a_folder_that_was_never_enrolled_is_wrong_usage_for_which_the_unit_does_not_start_again(int code, string expected, string file, string content)
    {
        using TemporaryFolder state = new();
        state.Write(file, content);
        ProcessStartInfo start = new("dotnet", [Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll"), "run", "--state", state.Path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process agent = Process.Start(start)!;
        Task<string> errors = agent.StandardError.ReadToEndAsync();
        await agent.StandardOutput.ReadToEndAsync();
        await agent.WaitForExitAsync();

        Assert.Contains(expected, await errors, StringComparison.Ordinal);
        Assert.Equal(code, agent.ExitCode);
        // The unit asks for this file before each start.
        Assert.True(File.Exists(state[file]));
    }

    private static IdentityFiles Files(SimulatedDisk disk) => new(new StateFolder(DeviceRig.Root, disk));

    private static X509Chain SentWith(PemIdentity identity)
    {
        X509Chain sent = new();
        foreach (X509Certificate2 issuer in identity.Context.IntermediateCertificates)
        {
            sent.ChainPolicy.ExtraStore.Add(issuer);
        }
        return sent;
    }

    private static void Put(SimulatedDisk disk, string name, byte[]? content)
    {
        if (content is null)
        {
            disk.Delete($"{s_folder}/{name}");
        }
        else
        {
            DurableFile.Write(disk, $"{s_folder}/{name}", content);
        }
    }
}
