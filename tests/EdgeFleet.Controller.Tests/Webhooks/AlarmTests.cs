using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using EdgeFleet.Controller.Broker;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Controller.Webhooks;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Tests.Webhooks;

/// <summary>Events over the controller's own mosquitto, heard by a program of the operator's.</summary>
public sealed class AlarmTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Channel<MqttReceivedMessage> _heard = Channel.CreateUnbounded<MqttReceivedMessage>();
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(60));

    public void Dispose()
    {
        _patience.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_listener_hears_each_event_and_no_device_can_forge_one()
    {
        await using TestController controller = await StartAsync();
        using PemIdentity identity = ListenerIdentity();
        await using MqttSession listener = await ListenAsync(controller, identity);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await using MqttSession forger = await device.ConnectToBrokerAsync();

        MqttMessage forged = new() { Topic = "edgefleet/alarms/v1/default/rollout/classTakenBack", Payload = "{}"u8.ToArray() };
        Assert.Equal(MqttReasonCode.NotAuthorized, (await forger.PublishAsync(forged, _patience.Token)).ReasonCode);
        Assert.Equal(MqttReasonCode.NotAuthorized, (await listener.PublishAsync(forged, _patience.Token)).ReasonCode);
        await AddRolloutAsync(controller);
        await RolloutEventAsync(controller, "classTakenBack", "harmed beyond the margin");
        await DeviceEventAsync(controller, "runner-away");
        await DeviceEventAsync(controller, "a/b#");

        MqttReceivedMessage first = await _heard.Reader.ReadAsync(_patience.Token);
        Assert.Equal(("edgefleet/alarms/v1/default/rollout/classTakenBack", false), (first.Topic, first.Retained));
        JsonNode alarm = JsonNode.Parse(first.Payload.Span)!;
        Assert.Equal(("1.0", "io.edgefleet.rollout.classTakenBack", "orin"), (Text(alarm, "specversion"), Text(alarm, "type"), Text(alarm, "subject")));
        Assert.Equal("harmed beyond the margin", Text(alarm["data"]!, "message"));
        Assert.Equal("edgefleet/alarms/v1/default/device/runner-away", (await _heard.Reader.ReadAsync(_patience.Token)).Topic);
        Assert.Equal("edgefleet/alarms/v1/default/device/other", (await _heard.Reader.ReadAsync(_patience.Token)).Topic);
        Assert.Empty((await controller.GetAsync("webhooks")).AsArray());
    }

    [Fact]
    public async Task Alarms_go_on_after_the_broker_was_killed()
    {
        await using TestController controller = await StartAsync();
        using PemIdentity identity = ListenerIdentity();
        await using MqttSession listener = await ListenAsync(controller, identity);

        using (Process broker = Process.GetProcessById(BrokerRecord.Load(BrokerRecordFile)!.ProcessId))
        {
            broker.Kill();
        }
        // The first ones may come before the listener is back; the broker says so, and nobody waits for them then.
        int sent = 0;
        MqttReceivedMessage? heard;
        while (!_heard.Reader.TryRead(out heard))
        {
            await DeviceEventAsync(controller, $"after-{sent++}");
            while (await FeedAsync(controller) > 0)
            {
                await Task.Delay(10, _patience.Token);
            }
        }

        Assert.StartsWith("edgefleet/alarms/v1/default/device/after-", heard.Topic, StringComparison.Ordinal);
        Assert.Equal(2, listener.Counters.Connects);
    }

    [Theory]
    [InlineData("rollout.classTakenBack", "edgefleet/alarms/v1/acme/rollout/classTakenBack")]
    [InlineData("device.runner-away", "edgefleet/alarms/v1/acme/device/runner-away")]
    [InlineData("device.#", "edgefleet/alarms/v1/acme/device/other")]
    [InlineData("device.", "edgefleet/alarms/v1/acme/device/other")]
    [InlineData("device.x/y", "edgefleet/alarms/v1/acme/device/other")]
    public void What_a_device_calls_its_event_never_reaches_into_another_branch(string type, string topic) => Assert.Equal(topic, AlarmPublisher.TopicOf("acme", type));

    private string BrokerRecordFile => Directory.EnumerateFiles(_folder["data/broker"], "*.json").Single();

    private Task<TestController> StartAsync() => TestController.StartAsync(_folder, broker: new BrokerOptions { EmbeddedPort = 0, Readers = ["ops"] });

    private PemIdentity ListenerIdentity() => PemIdentity.Load(File.ReadAllText(_folder["data/pki/reader-ops.pem"]), File.ReadAllText(_folder["data/pki/reader-ops.key"]));

    private async Task<MqttSession> ListenAsync(TestController controller, PemIdentity identity)
    {
        X509Certificate2Collection roots = [];
        roots.ImportFromPem(controller.Host.Endpoints.RootPem);
        X509Certificate2Collection chain = [];
        chain.ImportFromPem(await File.ReadAllTextAsync(_folder["data/pki/reader-ops.pem"]));
        MqttSession session = new(new MqttSessionOptions
        {
            Host = controller.Host.Endpoints.MqttHost,
            Port = controller.Host.Endpoints.MqttPort,
            ClientId = "reader.ops",
            Tls = new MqttTlsOptions { TrustedRoots = roots, ClientCertificate = () => identity.Leaf, Intermediates = [chain[1]] },
            ReconnectDelay = TimeSpan.FromMilliseconds(50),
            MaximumReconnectDelay = TimeSpan.FromMilliseconds(500),
        });
        await session.ConnectAsync(_patience.Token);
        await session.SubscribeAsync("edgefleet/alarms/v1/#", MqttQos.AtLeastOnce, (message, _) => { _heard.Writer.TryWrite(message); return Task.CompletedTask; }, _patience.Token);
        return session;
    }

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static Task<long> FeedAsync(TestController controller) => controller.Database.ReadAsync(session => WebhookStore.CountAfter(session, 0), CancellationToken.None);

    private static Task DeviceEventAsync(TestController controller, string type) => controller.Database.WriteAsync(
        "event", transaction => IngestStore.PutEvent(transaction, "dev-1", 1, Interlocked.Increment(ref s_sequence), type, "fashion", "detail", "{}", Now), CancellationToken.None);

    private static long s_sequence = 1000;

    private static Task AddRolloutAsync(TestController controller) => controller.Database.WriteAsync(
        "rollout", transaction => RolloutStore.Add(transaction, new RolloutRow { Id = "r1", Ordinal = 1, Name = "int8", Model = "fashion", State = "{}", Phase = "Completed" }), CancellationToken.None);

    private static Task RolloutEventAsync(TestController controller, string kind, string message) => controller.Database.WriteAsync(
        "event", transaction => RolloutStore.AddEvent(transaction, "r1", Now, "orin", kind, message), CancellationToken.None);
}
