using System.Threading.Channels;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>Handlers that take their time, at a real broker.</summary>
public sealed class BackPressureTests
{
    private readonly Channel<MqttReceivedMessage> _started = Channel.CreateUnbounded<MqttReceivedMessage>();
    private readonly SemaphoreSlim _mayEnd = new(0);

    [Fact]
    public async Task Slow_handlers_hold_the_broker_back_at_the_receive_maximum_and_acknowledgements_pass_by()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        await using MqttSession slow = await Peers.ConnectAsync(Peers.Options(broker, "slow") with { ReceiveMaximum = 5 });
        await slow.SubscribeAsync("q/#", MqttQos.AtLeastOnce, HandleAsync);
        await using MqttSession publisher = await Peers.ConnectAsync(Peers.Options(broker, "publisher"));
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => publisher.PublishAsync(Peers.Text($"q/{i}", $"{i}")))).WaitAsync(Peers.Patience);

        // The broker's answer to this comes behind whatever it has sent before.
        await slow.PublishAsync(Peers.Text("elsewhere", "x")).WaitAsync(Peers.Patience);

        Assert.Equal(5, slow.Counters.Received);
        _mayEnd.Release(50);
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal($"{i}", (await _started.Reader.NextAsync()).Text());
        }
        Assert.Equal((50, 1), (slow.Counters.Received, slow.Counters.Connects));
    }

    [Fact]
    public async Task A_message_whose_handler_has_not_ended_comes_again_and_one_whose_handler_has_ended_does_not()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        await using LinkCutter link = await LinkCutter.StartAsync(broker.Host, broker.Port);
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(broker, "careful") with { Port = link.Port });
        await session.SubscribeAsync("q/#", MqttQos.AtLeastOnce, HandleAsync);
        await using MqttSession publisher = await Peers.ConnectAsync(Peers.Options(broker, "publisher"));
        await publisher.PublishAsync(Peers.Text("q", "1"));
        await publisher.PublishAsync(Peers.Text("q", "2"));
        Assert.Equal(("1", false), Shape(await _started.Reader.NextAsync()));
        _mayEnd.Release();
        Assert.Equal(("2", false), Shape(await _started.Reader.NextAsync()));
        await session.PublishAsync(Peers.Text("elsewhere", "x")); // the broker has read the acknowledgement of 1 before this

        link.CutAll();
        await publisher.PublishAsync(Peers.Text("q", "3"));
        _mayEnd.Release(3);

        Assert.Equal(("2", true), Shape(await _started.Reader.NextAsync()));
        Assert.Equal(("3", false), Shape(await _started.Reader.NextAsync()));
    }

    /// <summary>mosquitto 2.0.11 sends a session that it had saved to disk more at once than it may.</summary>
    [Fact]
    public async Task A_saved_session_that_comes_back_with_more_than_the_receive_maximum_is_taken_once_and_in_order_over_one_link()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Persistent = true });
        MqttSessionOptions options = Peers.Options(broker, "sleeper") with { ReceiveMaximum = 3 };
        await using (MqttSession before = await Peers.ConnectAsync(options))
        {
            await before.SubscribeAsync("q/#", MqttQos.AtLeastOnce, HandleAsync);
        }
        await using (MqttSession publisher = await Peers.ConnectAsync(Peers.Options(broker, "publisher")))
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => publisher.PublishAsync(Peers.Text("q/x", $"{i}")))).WaitAsync(Peers.Patience);
        }
        await broker.StopAsync();
        await broker.StartAgainAsync();

        await using MqttSession after = new(options);
        Task<MqttQos> registered = after.SubscribeAsync("q/#", MqttQos.AtLeastOnce, HandleAsync);
        await after.ConnectAsync();
        await registered.WaitAsync(Peers.Patience);
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal($"{i}", (await _started.Reader.NextAsync()).Text());
            _mayEnd.Release();
        }

        await after.PublishAsync(Peers.Text("q/x", "last")).WaitAsync(Peers.Patience);
        Assert.Equal("last", (await _started.Reader.NextAsync()).Text());
        _mayEnd.Release();
        Assert.Equal((201, 1), (after.Counters.Received, after.Counters.Connects));
    }

    private static (string, bool) Shape(MqttReceivedMessage message) => (message.Text(), message.Duplicate);

    private async Task HandleAsync(MqttReceivedMessage message, CancellationToken token)
    {
        _started.Writer.TryWrite(message);
        await _mayEnd.WaitAsync(token);
    }
}
