using System.Threading.Channels;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

public sealed class LinkLossTests : IAsyncLifetime
{
    private MosquittoBroker _broker = null!;

    public async Task InitializeAsync() => _broker = await MosquittoBroker.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task The_will_is_published_when_the_process_behind_the_link_is_killed()
    {
        await using MosquittoSubscriber watcher = await MosquittoSubscriber.StartAsync(_broker, "presence/#", "%t|%p|%q|%C|%P|%F");
        await using LinkCutter link = await LinkCutter.StartAsync(_broker.Host, _broker.Port);
        int epoch = 0;
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "device") with
        {
            Port = link.Port,
            WillFactory = () => new MqttWill(Peers.Text("presence/device", $"gone in epoch {++epoch}") with
            {
                ContentType = "text/plain",
                PayloadIsText = true,
                UserProperties = [new("epoch", $"{epoch}")],
            }),
        });

        link.CutAll();
        Assert.Equal("presence/device|gone in epoch 1|1|text/plain|epoch:1|1", await watcher.NextAsync());

        // The session came back with a will of its own; let it die again.
        await session.PublishAsync(Peers.Text("alive", ""));
        link.CutAll();
        Assert.Matches("^presence/device\\|gone in epoch [2-9]", await watcher.NextAsync());
    }

    [Fact]
    public async Task The_will_waits_for_its_delay_and_is_dropped_when_the_session_comes_back_in_time()
    {
        await using MosquittoSubscriber watcher = await MosquittoSubscriber.StartAsync(_broker, "#");
        await using LinkCutter link = await LinkCutter.StartAsync(_broker.Host, _broker.Port);
        Channel<MqttConnected> connects = Channel.CreateUnbounded<MqttConnected>();
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "device") with
        {
            Port = link.Port,
            WillFactory = () => new MqttWill(Peers.Text("will", "gone")) { Delay = TimeSpan.FromSeconds(60) },
            OnConnected = async (connected, token) => await connects.Writer.WriteAsync(connected, token),
        });
        await connects.Reader.NextAsync();

        link.CutAll();
        MqttConnected again = await connects.Reader.NextAsync();
        await session.PublishAsync(Peers.Text("mark", "back"));

        Assert.Equal(new MqttConnected(true, 2), again);
        Assert.Equal("mark back", await watcher.NextAsync());
    }

    [Fact]
    public async Task A_clean_disconnect_publishes_no_will()
    {
        await using MosquittoSubscriber watcher = await MosquittoSubscriber.StartAsync(_broker, "#");
        MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "device") with { WillFactory = () => new MqttWill(Peers.Text("will", "gone")) });

        await session.DisconnectAsync();
        await MosquittoPublisher.PublishAsync(_broker, "mark", "later");

        Assert.Equal("mark later", await watcher.NextAsync());
        Assert.True(session.Completion.IsCompletedSuccessfully);
        MqttException ended = await Assert.ThrowsAsync<MqttException>(() => session.PublishAsync(Peers.Text("a", "b")));
        Assert.Contains("has ended", ended.Message);
    }

    [Fact]
    public async Task A_clean_disconnect_sends_what_was_published_before_it()
    {
        await using MosquittoSubscriber watcher = await MosquittoSubscriber.StartAsync(_broker, "#");
        byte[] large = new byte[200_000];
        await using (MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "device")))
        {
            _ = session.PublishAsync(new MqttMessage { Topic = "large", Payload = large, Qos = MqttQos.AtMostOnce });
            _ = session.PublishAsync(Peers.Text("last", "words", MqttQos.AtMostOnce));
        }
        Assert.StartsWith("large ", await watcher.NextAsync());
        Assert.Equal("last words", await watcher.NextAsync());
    }

    [Fact]
    public async Task Two_clients_with_one_id_are_told_and_one_that_stops_leaves_the_other_in_peace()
    {
        // mosquitto 2.0.11 closes the older link without saying why, so this can only be a suspicion.
        Channel<MqttDisconnected> ends = Channel.CreateUnbounded<MqttDisconnected>();
        MqttSession? quitter = null;
        MqttSessionOptions options = Peers.Options(_broker, "twin");
        await using MqttSession stayer = await Peers.ConnectAsync(options);
        quitter = new(options with
        {
            OnDisconnected = async (end, _) =>
            {
                if (end.Cause == MqttDisconnectCause.SuspectedTakeOver)
                {
                    await quitter!.DisposeAsync();
                    ends.Writer.TryWrite(end);
                }
            },
        });
        await quitter.ConnectAsync();

        MqttDisconnected end = await ends.Reader.NextAsync();
        await quitter.Completion.WaitAsync(Peers.Patience);

        Assert.Contains("'twin'", end.Detail);
        Assert.InRange(end.RetryIn!.Value, options.MaximumReconnectDelay / 2, options.MaximumReconnectDelay);
        Assert.True((await stayer.PublishAsync(Peers.Text("a", "3")).WaitAsync(Peers.Patience)).IsSuccess);
    }

    [Fact]
    public async Task A_frozen_broker_is_found_by_the_missing_ping_answer_and_the_publish_completes_after_it_thaws()
    {
        Channel<MqttDisconnected> ends = Channel.CreateUnbounded<MqttDisconnected>();
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "watchful") with
        {
            KeepAlive = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromMilliseconds(300),
            ConnectTimeout = TimeSpan.FromMilliseconds(500),
            OnDisconnected = async (end, _) => await ends.Writer.WriteAsync(end),
        });

        _broker.Freeze();
        Task<MqttAck> pending = session.PublishAsync(Peers.Text("a", "1"));
        MqttDisconnected lost = await ends.Reader.NextAsync();
        MqttDisconnected refused = await ends.Reader.NextAsync();
        Assert.False(pending.IsCompleted);
        _broker.Thaw();

        Assert.Equal(MqttDisconnectCause.PingTimeout, lost.Cause);
        // The kernel still accepts for the frozen broker; the silence after it is caught by the connect timeout.
        Assert.Equal(MqttDisconnectCause.ConnectFailed, refused.Cause);
        Assert.Contains("no CONNACK within 00:00:00.5", refused.Detail);
        Assert.True((await pending.WaitAsync(Peers.Patience)).IsSuccess);
    }

    [Fact]
    public async Task A_first_connect_to_a_closed_port_fails_with_the_address_and_may_be_tried_again()
    {
        await _broker.StopAsync();
        await using MqttSession session = new(Peers.Options(_broker, "early"));

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());
        await _broker.StartAgainAsync();
        await session.ConnectAsync();

        Assert.Contains($"127.0.0.1:{_broker.Port}: connect: Connection refused", refused.Message);
        Assert.True(session.IsConnected);
    }

    [Fact]
    public async Task A_started_session_connects_as_soon_as_there_is_a_broker_and_sends_what_waited()
    {
        await _broker.StopAsync();
        await using MqttSession session = new(Peers.Options(_broker, "patient"));
        await session.StartAsync();
        Task<MqttAck> waiting = session.PublishAsync(Peers.Text("a", "1"));

        await _broker.StartAgainAsync();

        Assert.True((await waiting.WaitAsync(Peers.Patience)).IsSuccess);
    }

    [Fact]
    public async Task Cancelling_a_first_connect_ends_it_at_once()
    {
        _broker.Freeze();
        await using MqttSession session = new(Peers.Options(_broker, "hasty"));
        using CancellationTokenSource cancel = new();
        Task connecting = session.ConnectAsync(cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(Peers.Patience));
        _broker.Thaw();
    }
}
