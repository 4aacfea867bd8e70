using System.Diagnostics;
using System.Threading.Channels;
using EdgeFleet.Controller.Broker;
using EdgeFleet.Mqtt;

namespace EdgeFleet.Controller.Tests.Broker;

public sealed class RevocationTests : IAsyncLifetime
{
    private const string Topic = "edgefleet/v1/acme/device-a/event/x";

    private readonly BrokerFleet _fleet = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _fleet.DisposeAsync();

    [Fact]
    public async Task A_revoked_device_is_cut_off_on_the_link_that_it_has_open_and_a_restored_one_goes_on()
    {
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession controller = await _fleet.ConnectAsync(broker, BrokerFleet.ControllerName);
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        MqttSession neighbour = await _fleet.ConnectAsync(broker, "device-b");
        Channel<string> mail = await TopicAccessTests.ListenAsync(device, "edgefleet/v1/acme/device-a/in");
        Assert.True((await device.PublishAsync(BrokerFleet.Text(Topic))).IsSuccess);

        Assert.True(await broker.RevokeAsync("device-a"));
        MqttAck denied = await device.PublishAsync(BrokerFleet.Text(Topic));
        await controller.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/in", "secret"));
        MqttAck other = await neighbour.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-b/event/x"));

        Assert.True(await broker.RestoreAsync("device-a"));
        MqttAck restored = await device.PublishAsync(BrokerFleet.Text(Topic));
        await controller.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/in", "welcome back"));

        Assert.Equal(MqttReasonCode.NotAuthorized, denied.ReasonCode);
        Assert.True(other.IsSuccess);
        Assert.True(restored.IsSuccess);
        Assert.Equal("edgefleet/v1/acme/device-a/in welcome back", await TopicAccessTests.NextAsync(mail));
    }

    [Fact]
    public async Task A_revoked_device_stays_out_over_a_killed_broker_and_over_a_new_controller()
    {
        EmbeddedBroker broker = await _fleet.StartAsync();
        await broker.RevokeAsync("device-a");
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");

        Kill(broker);
        MqttAck afterKill = await device.PublishAsync(BrokerFleet.Text(Topic)).WaitAsync(BrokerFleet.Patience);
        await broker.DisposeAsync();
        _fleet.Options = _fleet.Options with { RevokedDevices = ["device-a"] };
        EmbeddedBroker next = await _fleet.StartAsync();
        MqttSession again = await _fleet.ConnectAsync(next, "device-a");

        Assert.Equal(MqttReasonCode.NotAuthorized, afterKill.ReasonCode);
        Assert.Equal(MqttReasonCode.NotAuthorized, (await again.PublishAsync(BrokerFleet.Text(Topic))).ReasonCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)] // the control: without revocation it is
    public async Task The_will_of_a_device_that_was_revoked_while_connected_is_not_published(bool revoked)
    {
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession controller = await _fleet.ConnectAsync(broker, BrokerFleet.ControllerName);
        Channel<string> seen = await TopicAccessTests.ListenAsync(controller, "edgefleet/v1/+/+/presence");
        using Process victim = Process.Start(new ProcessStartInfo("mosquitto_sub", [
            "-V", "5", "-h", "127.0.0.1", "-p", $"{broker.Endpoint.Port}", "-t", "edgefleet/v1/acme/device-a/in",
            "--will-topic", "edgefleet/v1/acme/device-a/presence", "--will-payload", "gone", .. ClientArguments("device-a")])
        { RedirectStandardError = true })!;
        MqttSession device = await _fleet.ConnectAsync(broker, "device-b");
        await KnockAsync(controller, until: answered => answered);

        if (revoked)
        {
            await broker.RevokeAsync("device-a");
        }
        victim.Kill();
        await victim.WaitForExitAsync();
        await KnockAsync(controller, until: answered => !answered);
        await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-b/presence", "m"));

        List<string> received = [];
        while (await TopicAccessTests.NextAsync(seen) is var line && line != "edgefleet/v1/acme/device-b/presence m")
        {
            received.Add(line);
        }
        Assert.Equal(!revoked, received.Contains("edgefleet/v1/acme/device-a/presence gone"));
    }

    [Fact]
    public async Task Only_a_device_id_can_be_revoked()
    {
        EmbeddedBroker broker = await _fleet.StartAsync();

        await Assert.ThrowsAsync<FormatException>(() => broker.RevokeAsync("device-a\ntopic readwrite #"));
    }

    /// <summary>Publishes to a topic that only the victim listens to, until that has come or gone.</summary>
    private static async Task KnockAsync(MqttSession controller, Func<bool, bool> until)
    {
        long began = Stopwatch.GetTimestamp();
        while (!until((await controller.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/in", "knock"))).ReasonCode == MqttReasonCode.Success))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < BrokerFleet.Patience, "mosquitto_sub did not come or go");
        }
    }

    private string[] ClientArguments(string name)
    {
        using EdgeFleet.Trust.Certificates.PemIdentity identity = _fleet.Identity(name);
        string certificate = _fleet.Path($"{name}.pem");
        string key = _fleet.Path($"{name}.key");
        File.WriteAllText(certificate, identity.Leaf.ExportCertificatePem() + "\n" + _fleet.Authority.Issuer.ExportCertificatePem());
        using System.Security.Cryptography.ECDsa privateKey = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(identity.Leaf)!;
        File.WriteAllText(key, privateKey.ExportPkcs8PrivateKeyPem());
        return ["--cafile", _fleet.Path("root.pem"), "--cert", certificate, "--key", key];
    }

    internal static void Kill(EmbeddedBroker broker)
    {
        using Process process = Process.GetProcessById(broker.ProcessId!.Value);
        process.Kill();
    }
}
