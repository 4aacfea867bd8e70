using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Brokers;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Broker;

/// <summary>A mosquitto of someone else's, set up as fleet/deploy shows; its certificate is of an authority that the fleet knows only by setting.</summary>
public sealed class ExternalBrokerTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private CertificateAuthority _theirs = null!;
    private MosquittoBroker _broker = null!;

    public async Task InitializeAsync()
    {
        AuthorityFiles files = CertificateAuthority.Create("someone else", TimeProvider.System);
        _theirs = CertificateAuthority.Load(files.RootPem, files.IssuerPem, files.IssuerKeyPem, TimeProvider.System);
        await File.WriteAllTextAsync(_folder["their-root.pem"], files.RootPem);
        Directory.CreateDirectory(_folder["data"]);
        using FleetAuthority fleet = FleetAuthority.LoadOrCreate(_folder["data/pki"], "default", ["localhost"], TimeProvider.System);
        _broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Configuration = (folder, port) => Configuration(folder, port, fleet.RootPemFile) });
    }

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        _theirs.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Reports_come_over_it_and_go_on_after_it_was_killed()
    {
        await using TestController controller = await TestController.StartAsync(_folder, broker: Setting(_folder["their-root.pem"]));
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await device.ConnectAsync();
        MqttSession session = await device.ConnectToBrokerAsync();
        device.Active = Digest.Of([1]);

        await device.ReportStateAsync();
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 1);
        await _broker.KillAsync();
        await _broker.StartAgainAsync();
        MqttMessage after = new() { Topic = device.OwnTopics.Event("x"), Payload = new Wire.EventReport { Header = device.Header(), Detail = "after the kill" }.ToByteArray() };
        using CancellationTokenSource limit = new(BrokerFleet.Patience);
        while ((await session.PublishAsync(after, limit.Token)).ReasonCode == MqttReasonCode.NoMatchingSubscribers)
        {
            // Nobody listens until the controller is back; the broker's answer says so, and sets the pace.
        }
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 2);

        Assert.Equal(Digest.Of([1]).ToString(), (await controller.GetAsync("devices/dev-1"))["models"]!["fashion"]!["active"]!.GetValue<string>());
    }

    [Fact]
    public async Task Devices_are_told_its_roots_and_no_key_that_stands_beside_them()
    {
        ServerCertificate server = _theirs.IssueServer("careless", ["localhost"]);
        await File.WriteAllTextAsync(_folder["with-key.pem"], await File.ReadAllTextAsync(_folder["their-root.pem"]) + "\n" + server.KeyPem + "\n");
        await using TestController controller = await TestController.StartAsync(_folder, broker: Setting(_folder["with-key.pem"]));
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());

        await device.ConnectAsync();

        Assert.Equal(_theirs.RootPem.Trim(), device.Welcome!.MqttRootsPem.Trim());
    }

    [Fact]
    public async Task A_broker_that_none_of_the_known_roots_vouches_for_is_told_nothing()
    {
        await using TestController controller = await TestController.StartAsync(_folder, broker: Setting(_folder["their-root.pem"]));
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());

        // No welcome was read, so the device knows the fleet's roots alone.
        await Assert.ThrowsAsync<MqttException>(() => device.ConnectToBrokerAsync());
    }

    [Fact]
    public async Task A_device_reaches_no_topic_of_another()
    {
        await using TestController controller = await TestController.StartAsync(_folder, broker: Setting(_folder["their-root.pem"]));
        string token = await controller.CreateTokenAsync(new System.Text.Json.Nodes.JsonObject { ["autoApprove"] = true, ["count"] = 2 });
        await using ScriptedDevice honest = await ScriptedDevice.EnrollAsync(controller, "honest", token);
        await using ScriptedDevice liar = await ScriptedDevice.EnrollAsync(controller, "liar", token);
        await honest.ConnectAsync();
        await honest.ConnectToBrokerAsync();
        await liar.ConnectAsync();
        MqttSession session = await liar.ConnectToBrokerAsync();

        MqttAck ack = await session.PublishAsync(BrokerFleet.Text(honest.OwnTopics.Event("x")));
        await honest.SendAsync(honest.OwnTopics.Event("x"), new Wire.EventReport { Header = honest.Header(), Detail = "own" });
        await honest.ReadUntilAsync(() => honest.Acked?.ContiguousSeq == 1);

        Assert.Equal(MqttReasonCode.NotAuthorized, ack.ReasonCode);
        Assert.Empty((await controller.GetAsync("quarantine")).AsArray());
    }

    [Theory]
    [InlineData("", "holds no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "is not PEM")]
    public void A_file_of_roots_that_cannot_be_used_is_named_before_anything_starts(string content, string expected)
    {
        string file = _folder["roots.pem"];
        File.WriteAllText(file, content);

        FormatException refused = Assert.Throws<FormatException>(Setting(file).Validate);

        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private BrokerOptions Setting(string roots) => new() { ExternalHost = "127.0.0.1", ExternalPort = _broker.Port, CaFile = roots };

    /// <summary>The example with this test's paths, port and user.</summary>
    private string Configuration(string folder, int port, string fleetRoot)
    {
        ServerCertificate server = _theirs.IssueServer("their-broker", ["localhost", "127.0.0.1"]);
        File.WriteAllText(Path.Join(folder, "broker.pem"), server.ChainPem);
        File.WriteAllText(Path.Join(folder, "broker.key"), server.KeyPem);
        File.Copy(fleetRoot, Path.Join(folder, "fleet-root.pem"), overwrite: true);
        File.Copy(Checkout.File("fleet/deploy/mosquitto.acl"), Path.Join(folder, "mosquitto.acl"), overwrite: true);
        string text = File.ReadAllText(Checkout.File("fleet/deploy/mosquitto.conf"))
            .Replace("listener 8883", $"listener {port} 127.0.0.1", StringComparison.Ordinal)
            .Replace("/etc/mosquitto/", $"{folder}/", StringComparison.Ordinal)
            .Replace("/var/lib/mosquitto/", $"{folder}/", StringComparison.Ordinal);
        return text + "log_dest stderr\n" + (Environment.IsPrivilegedProcess ? "user root\n" : "");
    }
}
