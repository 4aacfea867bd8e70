using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using EdgeFleet.Controller.Broker;
using EdgeFleet.Mqtt;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Tests.Broker;

public sealed class TopicAccessTests : IAsyncLifetime
{
    private static readonly string[] s_devices = ["device-a", "device-b", "device-c"];
    private static readonly string[] s_kinds = ["presence", "reported", "deployment/d1", "event/log", "bench/00", "shadow/00", "metric"];

    private readonly BrokerFleet _fleet = new();
    private EmbeddedBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _fleet.Options = _fleet.Options with { ReaderNames = ["watcher.ops"] };
        _broker = await _fleet.StartAsync();
    }

    public async Task DisposeAsync() => await _fleet.DisposeAsync();

    [Fact]
    public async Task Each_device_writes_below_its_own_name_and_nowhere_else_and_the_controller_reads_all()
    {
        MqttSession controller = await _fleet.ConnectAsync(_broker, BrokerFleet.ControllerName);
        Channel<string> seen = await ListenAsync(controller, "edgefleet/v1/#");

        HashSet<string> allowed = [];
        foreach (string device in s_devices)
        {
            MqttSession session = await _fleet.ConnectAsync(_broker, device);
            foreach (string target in s_devices)
            {
                foreach (string kind in s_kinds)
                {
                    string topic = $"edgefleet/v1/acme/{target}/{kind}";
                    MqttAck ack = await session.PublishAsync(BrokerFleet.Text(topic, device));
                    Assert.Equal(target == device ? MqttReasonCode.Success : MqttReasonCode.NotAuthorized, ack.ReasonCode);
                    allowed.Add($"edgefleet/v1/acme/{device}/{kind} {device}");
                }
            }
            foreach (string elsewhere in (string[])[$"edgefleet/v1/other/{device}/presence", $"edgefleet/v2/acme/{device}/presence", "edgefleet/v1/acme", "free", "$SYS/x", $"edgefleet/v1/acme/{device}x/presence"])
            {
                Assert.Equal(MqttReasonCode.NotAuthorized, (await session.PublishAsync(BrokerFleet.Text(elsewhere))).ReasonCode);
            }
        }
        await controller.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/mark/presence", "end"));

        List<string> received = [];
        while (await NextAsync(seen) is var line && line != "edgefleet/v1/acme/mark/presence end")
        {
            received.Add(line);
        }
        Assert.Equal(allowed.Order(), received.Order());
    }

    [Fact]
    public async Task A_device_that_subscribes_to_everything_receives_only_what_is_below_its_own_name()
    {
        MqttSession controller = await _fleet.ConnectAsync(_broker, BrokerFleet.ControllerName);
        // Retained before the curious one comes, and live after it.
        foreach (string device in s_devices)
        {
            await controller.PublishAsync(BrokerFleet.Text($"edgefleet/v1/acme/{device}/reported", "kept", retain: true));
        }
        MqttSession curious = await _fleet.ConnectAsync(_broker, "device-a");
        Channel<string> seen = Channel.CreateUnbounded<string>();
        foreach (string filter in (string[])["#", "+/#", "edgefleet/v1/acme/device-b/#", "edgefleet/v1/+/+/presence", "$share/ingest/edgefleet/v1/#", "$SYS/#"])
        {
            await curious.SubscribeAsync(filter, MqttQos.AtLeastOnce, (message, _) => { seen.Writer.TryWrite(message.Topic); return Task.CompletedTask; });
        }
        MqttSession other = await _fleet.ConnectAsync(_broker, "device-b");
        foreach (string kind in s_kinds)
        {
            await other.PublishAsync(BrokerFleet.Text($"edgefleet/v1/acme/device-b/{kind}"));
        }
        await curious.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/mark"));

        HashSet<string> topics = [];
        while (await NextAsync(seen) is var topic && topic != "edgefleet/v1/acme/device-a/event/mark")
        {
            topics.Add(topic);
        }
        Assert.Equal(["edgefleet/v1/acme/device-a/reported"], topics);
    }

    [Fact]
    public async Task A_reader_reads_the_fleet_and_writes_nothing()
    {
        MqttSession reader = await _fleet.ConnectAsync(_broker, "watcher.ops");
        Channel<string> seen = await ListenAsync(reader, "edgefleet/v1/#");
        MqttSession device = await _fleet.ConnectAsync(_broker, "device-a");

        await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/x", "hello"));

        Assert.Equal("edgefleet/v1/acme/device-a/event/x hello", await NextAsync(seen));
        Assert.Equal(MqttReasonCode.NotAuthorized, (await reader.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/x"))).ReasonCode);
        Assert.Equal(MqttReasonCode.NotAuthorized, (await reader.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/watcher.ops/event/x"))).ReasonCode);
    }

    [Fact]
    public async Task The_controller_clears_what_a_device_has_retained()
    {
        MqttSession device = await _fleet.ConnectAsync(_broker, "device-a");
        await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/deployment/d1", "running", retain: true));
        MqttSession controller = await _fleet.ConnectAsync(_broker, BrokerFleet.ControllerName);

        MqttAck cleared = await controller.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/deployment/d1", "", retain: true));

        Assert.True(cleared.IsSuccess);
        Channel<string> kept = await ListenAsync(controller, "edgefleet/v1/acme/device-a/#");
        await controller.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/mark", "m"));
        Assert.Equal("edgefleet/v1/acme/device-a/event/mark m", await NextAsync(kept));
    }

    [Fact]
    public async Task The_client_id_is_the_certificate_name_whatever_the_client_says()
    {
        MqttSession victim = await _fleet.ConnectAsync(_broker, "device-b");
        MqttSession impostor = await _fleet.ConnectAsync(_fleet.SessionOptions(_broker, "device-b") with { Tls = _fleet.Tls(_fleet.Identity("device-a").Leaf) });

        Assert.Equal(MqttReasonCode.NotAuthorized, (await impostor.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-b/presence"))).ReasonCode);
        Assert.True((await impostor.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/presence"))).IsSuccess);
        Assert.True((await victim.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-b/presence"))).IsSuccess);
        // A link that was thrown out would have had to come back.
        Assert.Equal(1, victim.Counters.Connects);
    }

    [Theory]
    [InlineData("+")]
    [InlineData("#")]
    [InlineData("device-a/#")]
    [InlineData("+/device-a")]
    public async Task A_certificate_name_with_wildcards_opens_nothing(string name)
    {
        ServerCertificate crafted = _fleet.Authority.IssueClient(name);
        using PemIdentity identity = PemIdentity.Load(crafted.ChainPem, crafted.KeyPem);
        MqttSession device = await _fleet.ConnectAsync(_broker, "device-a");
        await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/reported", "kept", retain: true));

        await using MqttSession session = new(_fleet.SessionOptions(_broker, "device-x") with { Tls = _fleet.Tls(identity.Leaf) });
        try
        {
            await session.ConnectAsync();
        }
        catch (MqttException)
        {
            return; // Not even let in.
        }
        Channel<string> seen = await ListenAsync(session, "edgefleet/v1/#");
        Assert.Equal(MqttReasonCode.NotAuthorized, (await session.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/reported", "forged", retain: true))).ReasonCode);
        await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/x"));
        // The broker handles one link after another: after this answer it would have sent what it had to send.
        await session.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/y"));
        Assert.False(seen.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Nobody_gets_in_without_a_certificate_of_this_fleet()
    {
        await using MqttSession anonymous = new(_fleet.SessionOptions(_broker, "device-a") with { Tls = _fleet.Tls(null) });
        await Assert.ThrowsAsync<MqttException>(() => anonymous.ConnectAsync());

        await using BrokerFleet foreignFleet = new();
        using PemIdentity foreign = foreignFleet.Identity("device-a");
        await using MqttSession stranger = new(_fleet.SessionOptions(_broker, "device-a") with
        {
            Tls = _fleet.Tls(foreign.Leaf) with { Intermediates = [foreignFleet.Authority.Issuer] },
        });
        await Assert.ThrowsAsync<MqttException>(() => stranger.ConnectAsync());

        await using MqttSession plain = new(_fleet.SessionOptions(_broker, "device-a") with { Tls = null });
        await Assert.ThrowsAsync<MqttException>(() => plain.ConnectAsync());
    }

    [Fact]
    public async Task A_message_above_the_limit_is_refused_by_the_session_before_the_broker_has_to()
    {
        MqttSession device = await _fleet.ConnectAsync(_broker, "device-a");

        MqttException tooLarge = await Assert.ThrowsAsync<MqttException>(() => device.PublishAsync(new MqttMessage
        {
            Topic = "edgefleet/v1/acme/device-a/event/x",
            Payload = new byte[_fleet.Options.MaximumPacketBytes],
        }));

        Assert.Equal(MqttReasonCode.PacketTooLarge, tooLarge.ReasonCode);
        Assert.True((await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/x"))).IsSuccess);
    }

    internal static async Task<Channel<string>> ListenAsync(MqttSession session, string filter)
    {
        Channel<string> seen = Channel.CreateUnbounded<string>();
        await session.SubscribeAsync(filter, MqttQos.AtLeastOnce, (message, _) =>
        {
            seen.Writer.TryWrite($"{message.Topic} {System.Text.Encoding.UTF8.GetString(message.Payload.Span)}");
            return Task.CompletedTask;
        });
        return seen;
    }

    internal static Task<string> NextAsync(Channel<string> seen) => seen.Reader.ReadAsync().AsTask().WaitAsync(BrokerFleet.Patience);
}
