using System.Text;
using System.Threading.Channels;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

public sealed class PublishAndSubscribeTests : IAsyncLifetime
{
    private MosquittoBroker _broker = null!;

    public async Task InitializeAsync() => _broker = await MosquittoBroker.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task A_message_with_all_its_properties_reaches_mosquitto_sub()
    {
        await using MosquittoSubscriber peer = await MosquittoSubscriber.StartAsync(_broker, "a/#", "%t|%p|%q|%C|%R|%D|%E|%P|%F");
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "publisher"));

        MqttAck ack = await session.PublishAsync(Peers.Text("a/b", "hällo") with
        {
            ContentType = "application/protobuf",
            ResponseTopic = "reply/here",
            CorrelationData = "c-17"u8.ToArray(),
            MessageExpiry = TimeSpan.FromSeconds(90),
            PayloadIsText = true,
            UserProperties = [new("id", "d:1:7"), new("type", "x"), new("type", "y")],
        });

        Assert.Equal(MqttReasonCode.Success, ack.ReasonCode);
        Assert.Equal("a/b|hällo|1|application/protobuf|reply/here|c-17|90|id:d:1:7 type:x type:y|1", await peer.NextAsync());
    }

    [Fact]
    public async Task A_message_with_all_its_properties_comes_from_mosquitto_pub()
    {
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "subscriber"));
        ChannelReader<MqttReceivedMessage> messages = await session.ListenAsync("a/+");

        await MosquittoPublisher.PublishAsync(_broker, "a/b", "hällo",
            "-D", "publish", "content-type", "text/plain",
            "-D", "publish", "response-topic", "reply/here",
            "-D", "publish", "correlation-data", "c-17",
            "-D", "publish", "message-expiry-interval", "90",
            "-D", "publish", "payload-format-indicator", "1",
            "-D", "publish", "user-property", "id", "d:1:7",
            "-D", "publish", "user-property", "id", "again");

        MqttReceivedMessage message = await messages.NextAsync();
        Assert.Equal("a/b", message.Topic);
        Assert.Equal("hällo", message.Text());
        Assert.Equal(MqttQos.AtLeastOnce, message.Qos);
        Assert.Equal("text/plain", message.ContentType);
        Assert.Equal("reply/here", message.ResponseTopic);
        Assert.Equal("c-17", Encoding.UTF8.GetString(message.CorrelationData!.Value.Span));
        Assert.InRange(message.MessageExpiry!.Value.TotalSeconds, 80, 90);
        Assert.True(message.PayloadIsText);
        Assert.False(message.Retained);
        Assert.Equal("d:1:7", message.FindUserProperty("id"));
        Assert.Equal(2, message.UserProperties.Count);
    }

    [Fact]
    public async Task A_retained_message_waits_for_the_subscriber_and_an_empty_one_clears_it()
    {
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "both"));
        await session.PublishAsync(Peers.Text("kept", "state") with { Retain = true });

        ChannelReader<MqttReceivedMessage> messages = await session.ListenAsync("kept");
        MqttReceivedMessage kept = await messages.NextAsync();
        await session.PublishAsync(Peers.Text("kept", "") with { Retain = true });

        Assert.True(kept.Retained);
        Assert.Equal("state", kept.Text());
        Assert.Equal("", (await messages.NextAsync()).Text());
        await using MqttSession later = await Peers.ConnectAsync(Peers.Options(_broker, "later"));
        ChannelReader<MqttReceivedMessage> nothing = await later.ListenAsync("#");
        await later.PublishAsync(Peers.Text("mark", "m"));
        Assert.Equal("mark", (await nothing.NextAsync()).Topic);
    }

    [Fact]
    public async Task Qos_0_is_delivered_while_connected_and_dropped_without_a_link()
    {
        await using MqttSession offline = new(Peers.Options(_broker, "offline"));
        Assert.Same(MqttAck.Dropped, await offline.PublishAsync(Peers.Text("q0", "lost", MqttQos.AtMostOnce)));

        await offline.ConnectAsync();
        ChannelReader<MqttReceivedMessage> messages = await offline.ListenAsync("q0", MqttQos.AtMostOnce);
        MqttAck ack = await offline.PublishAsync(Peers.Text("q0", "there", MqttQos.AtMostOnce));

        Assert.True(ack.IsSuccess);
        MqttReceivedMessage message = await messages.NextAsync();
        Assert.Equal(("there", MqttQos.AtMostOnce), (message.Text(), message.Qos));
    }

    [Fact]
    public async Task Nobody_subscribed_is_reason_16()
    {
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "lonely"));

        MqttAck ack = await session.PublishAsync(Peers.Text("nobody/here", "x"));

        Assert.Equal(MqttReasonCode.NoMatchingSubscribers, ack.ReasonCode);
        Assert.True(ack.IsSuccess);
    }

    [Fact]
    public async Task A_shared_subscription_splits_the_messages_between_its_members()
    {
        await using MqttSession first = await Peers.ConnectAsync(Peers.Options(_broker, "first"));
        await using MqttSession second = await Peers.ConnectAsync(Peers.Options(_broker, "second"));
        ChannelReader<MqttReceivedMessage> one = await first.ListenAsync("$share/ingest/s/#");
        ChannelReader<MqttReceivedMessage> two = await second.ListenAsync("$share/ingest/s/#");
        await using MqttSession publisher = await Peers.ConnectAsync(Peers.Options(_broker, "publisher"));

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => publisher.PublishAsync(Peers.Text($"s/{i}", $"{i}"))));

        HashSet<string> seen = [];
        int fromOne = 0;
        while (seen.Count < 200)
        {
            Task<bool> ready = await Task.WhenAny(one.WaitToReadAsync().AsTask(), two.WaitToReadAsync().AsTask()).WaitAsync(Peers.Patience);
            Assert.True(await ready);
            while (one.TryRead(out MqttReceivedMessage? message))
            {
                Assert.True(seen.Add(message.Text()), $"{message.Text()} came twice");
                fromOne++;
            }
            while (two.TryRead(out MqttReceivedMessage? message))
            {
                Assert.True(seen.Add(message.Text()), $"{message.Text()} came twice");
            }
        }
        Assert.InRange(fromOne, 50, 150);
    }

    [Fact]
    public async Task A_payload_of_many_segments_arrives_whole()
    {
        byte[] payload = new byte[700_000];
        new Random(7).NextBytes(payload);
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "large"));
        ChannelReader<MqttReceivedMessage> messages = await session.ListenAsync("large");

        await session.PublishAsync(new MqttMessage { Topic = "large", Payload = payload });

        Assert.True((await messages.NextAsync()).Payload.Span.SequenceEqual(payload));
    }

    [Fact]
    public async Task After_unsubscribing_nothing_comes_any_more()
    {
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(_broker, "fickle"));
        ChannelReader<MqttReceivedMessage> gone = await session.ListenAsync("gone");
        ChannelReader<MqttReceivedMessage> kept = await session.ListenAsync("kept");
        await session.UnsubscribeAsync("gone");

        MqttAck ack = await session.PublishAsync(Peers.Text("gone", "x"));
        await session.PublishAsync(Peers.Text("kept", "y"));

        Assert.Equal("y", (await kept.NextAsync()).Text());
        Assert.Equal(MqttReasonCode.NoMatchingSubscribers, ack.ReasonCode);
        Assert.False(gone.TryRead(out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+")]
    [InlineData("#")]
    [InlineData("nul\0")]
    public async Task A_topic_that_cannot_be_is_refused_at_once(string topic)
    {
        await using MqttSession session = new(Peers.Options(_broker, "wrong"));

        await Assert.ThrowsAsync<ArgumentException>(() => session.PublishAsync(Peers.Text(topic, "x")));
    }

    [Fact]
    public async Task Qos_2_is_refused_by_name()
    {
        await using MqttSession session = new(Peers.Options(_broker, "exact"));

        NotSupportedException publish = await Assert.ThrowsAsync<NotSupportedException>(() => session.PublishAsync(Peers.Text("a", "x", MqttQos.ExactlyOnce)));
        await Assert.ThrowsAsync<NotSupportedException>(() => session.SubscribeAsync("a", MqttQos.ExactlyOnce, (_, _) => Task.CompletedTask));

        Assert.Equal("QoS 2 on 'a': this client publishes at QoS 0 and 1 only", publish.Message);
    }
}
