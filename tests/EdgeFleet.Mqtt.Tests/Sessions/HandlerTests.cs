using System.Collections.Concurrent;
using System.Threading.Channels;
using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Tests.Brokers;
using EdgeFleet.Mqtt.Tests.Protocol;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>When handlers run, and when the broker hears of it.</summary>
public sealed class HandlerTests : IAsyncLifetime
{
    private readonly ScriptedBroker _broker = new();
    private readonly Channel<MqttReceivedMessage> _started = Channel.CreateUnbounded<MqttReceivedMessage>();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new();
    private MqttSession? _session;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        if (_session is not null)
        {
            await _session.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_message_is_acknowledged_after_its_handler_and_the_next_waits_for_it()
    {
        ScriptedLink link = await StartAsync(_broker.Options());
        await link.SendAsync([.. BrokerPackets.Publish("a/1", [], 1, 11), .. BrokerPackets.Publish("a/2", [], 1, 12)]);

        Assert.Equal("a/1", (await _started.Reader.NextAsync()).Topic);
        // The answer to a publish of ours overtakes: nothing is held up but the handlers.
        Task<MqttAck> publish = _session!.PublishAsync(Peers.Text("t", "x"));
        ClientPacket ours = await link.NextAsync(PacketType.Publish);
        await link.SendAsync(BrokerPackets.PubAck(ours.PacketId));
        Assert.True((await publish.WaitAsync(Peers.Patience)).IsSuccess);
        Assert.False(_started.Reader.TryRead(out _));

        Open("a/1");
        Assert.Equal(11, (await link.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal("a/2", (await _started.Reader.NextAsync()).Topic);
        Open("a/2");
        Assert.Equal(12, (await link.NextAsync(PacketType.PubAck)).PacketId);
    }

    [Fact]
    public async Task Handlers_that_may_overlap_start_in_order_and_are_acknowledged_in_order()
    {
        ScriptedLink link = await StartAsync(_broker.Options() with { HandlerConcurrency = 3 });
        for (ushort i = 1; i <= 4; i++)
        {
            await link.SendAsync(BrokerPackets.Publish($"a/{i}", [], 1, i));
        }
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal($"a/{i}", (await _started.Reader.NextAsync()).Topic);
        }
        Open("a/3");
        Open("a/2");
        Assert.False(_started.Reader.TryRead(out _));
        Open("a/1");

        Assert.Equal(1, (await link.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal(2, (await link.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal(3, (await link.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal("a/4", (await _started.Reader.NextAsync()).Topic);
    }

    [Fact]
    public async Task A_handler_that_throws_leaves_the_message_to_come_again_and_those_behind_it_wait_their_turn()
    {
        int failures = 0;
        Channel<MqttDisconnected> ends = Channel.CreateUnbounded<MqttDisconnected>();
        Channel<string> handled = Channel.CreateUnbounded<string>();
        _session = new MqttSession(_broker.Options() with { OnDisconnected = async (end, _) => await ends.Writer.WriteAsync(end) });
        Task<MqttQos> granted = _session.SubscribeAsync("a/#", MqttQos.AtLeastOnce, (message, _) =>
        {
            if (message.Topic == "a/1" && failures++ == 0)
            {
                throw new IOException("disk full");
            }
            handled.Writer.TryWrite(message.Topic);
            return Task.CompletedTask;
        });
        await _session.StartAsync();
        ScriptedLink first = await GrantAsync(granted);
        await first.SendAsync([.. BrokerPackets.Publish("a/1", [], 1, 1), .. BrokerPackets.Publish("a/2", [], 1, 2)]);

        ClientPacket goodbye = await first.NextAsync(PacketType.Disconnect);
        first.Close();
        MqttDisconnected end = await ends.Reader.NextAsync();
        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);
        await second.SendAsync([.. BrokerPackets.Publish("a/1", [], 1, 1, duplicate: true), .. BrokerPackets.Publish("a/2", [], 1, 2, duplicate: true)]);

        Assert.Equal((MqttDisconnectCause.HandlerFailed, "the handler of 'a/1' failed: disk full"), (end.Cause, end.Detail));
        Assert.IsType<IOException>(end.Exception);
        Assert.Equal(MqttReasonCode.ImplementationSpecificError, goodbye.Reason);
        Assert.Equal(1, (await second.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal(2, (await second.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal("a/1", await handled.Reader.NextAsync());
        Assert.Equal("a/2", await handled.Reader.NextAsync());
        Assert.False(handled.Reader.TryRead(out _));
    }

    [Fact]
    public async Task The_owner_may_refuse_a_message_instead()
    {
        ScriptedLink link = await StartAsync(_broker.Options() with
        {
            OnHandlerFailed = (message, exception) => exception is FormatException && message.Topic == "a/bad" ? MqttFailureAction.Refuse : MqttFailureAction.Redeliver,
        });
        Gate("a/bad").TrySetException(new FormatException("not ours"));
        await link.SendAsync(BrokerPackets.Publish("a/bad", [], 1, 9));

        ClientPacket ack = await link.NextAsync(PacketType.PubAck);

        Assert.Equal((9, MqttReasonCode.ImplementationSpecificError), (ack.PacketId, ack.Reason));
        Assert.True(_session!.IsConnected);
    }

    [Fact]
    public async Task An_acknowledgement_is_not_sent_on_a_link_that_the_message_did_not_come_on()
    {
        ScriptedLink first = await StartAsync(_broker.Options());
        await first.SendAsync(BrokerPackets.Publish("a/1", [], 1, 1));
        await _started.Reader.NextAsync();
        first.Reset();
        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);
        // The broker delivers again while the first delivery is still in its handler.
        await second.SendAsync(BrokerPackets.Publish("a/1", [], 1, 1, duplicate: true));
        Open("a/1");

        Assert.True((await _started.Reader.NextAsync()).Duplicate);
        Assert.Equal(1, (await second.NextAsync(PacketType.PubAck)).PacketId);
        await _session!.PublishAsync(Peers.Text("t", "mark", MqttQos.AtMostOnce));
        Assert.Equal(PacketType.Publish, (await second.NextAsync()).Type); // and no second acknowledgement before it
    }

    [Fact]
    public async Task What_waits_for_a_handler_is_dropped_where_it_comes_again_and_kept_where_the_broker_forgot_it()
    {
        ScriptedLink first = await StartAsync(_broker.Options());
        await first.SendAsync([.. BrokerPackets.Publish("a/1", [], 1, 1), .. BrokerPackets.Publish("a/2", [], 1, 2)]);
        await _started.Reader.NextAsync();
        first.Reset();
        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);
        await second.SendAsync([.. BrokerPackets.Publish("a/1", [], 1, 1, true), .. BrokerPackets.Publish("a/2", [], 1, 2, true), .. BrokerPackets.Publish("a/3", [], 1, 3)]);
        await PassAsync(second);
        Open("a/1");
        Assert.Equal("a/1", (await _started.Reader.NextAsync()).Topic);
        Assert.Equal(("a/2", true), Shape(await _started.Reader.NextAsync())); // the second delivery; the first was dropped
        second.Reset();

        ScriptedLink third = await _broker.AcceptAsync(sessionPresent: false);
        await third.NextAsync(PacketType.Subscribe);
        Open("a/2");
        Assert.Equal(("a/3", false), Shape(await _started.Reader.NextAsync())); // only we have it now
    }

    [Fact]
    public async Task Qos_0_beyond_the_capacity_is_dropped_and_counted()
    {
        ScriptedLink link = await StartAsync(_broker.Options() with { ReceiveMaximum = 3 });
        for (int i = 0; i < 10; i++)
        {
            await link.SendAsync(BrokerPackets.Publish($"a/{i}", []));
        }
        await PassAsync(link);

        Assert.Equal(10, _session!.Counters.Received);
        Assert.InRange(_session.Counters.DroppedOnArrival, 5, 7); // one is in its handler, one may be on its way there
    }

    /// <summary>mosquitto 2.0.11 does so when it resumes a saved session.</summary>
    [Fact]
    public async Task A_broker_that_sends_more_than_it_may_is_not_read_until_the_handlers_have_caught_up_and_nothing_is_lost()
    {
        ScriptedLink link = await StartAsync(_broker.Options() with { ReceiveMaximum = 4 });
        for (ushort i = 1; i <= 50; i++)
        {
            await link.SendAsync(BrokerPackets.Publish($"a/{i}", [], 1, i));
        }
        Assert.Equal("a/1", (await _started.Reader.NextAsync()).Topic);
        for (ushort i = 1; i <= 50; i++)
        {
            Open($"a/{i}");
            Assert.Equal(i, (await link.NextAsync(PacketType.PubAck)).PacketId);
        }
        Assert.True(_session!.IsConnected);
    }

    [Fact]
    public async Task A_message_without_a_handler_or_with_broken_content_is_acknowledged_counted_and_costs_nothing_else()
    {
        ScriptedLink link = await StartAsync(_broker.Options());

        await link.SendAsync(BrokerPackets.Publish("b/old filter", [], 1, 1));
        await link.SendAsync(BrokerPackets.Publish("a/b", [], 1, 2, false, false, [(byte)PropertyId.ContentType, 0, 2, 0xC3, 0x28]));
        Open("a/ok");
        await link.SendAsync(BrokerPackets.Publish("a/ok", [], 1, 3));

        Assert.Equal((1, MqttReasonCode.Success), Ack(await link.NextAsync(PacketType.PubAck)));
        Assert.Equal((2, MqttReasonCode.ImplementationSpecificError), Ack(await link.NextAsync(PacketType.PubAck)));
        Assert.Equal((3, MqttReasonCode.Success), Ack(await link.NextAsync(PacketType.PubAck)));
        Assert.Equal(2, _session!.Counters.Discarded);
    }

    [Fact]
    public async Task Handlers_that_fail_out_of_order_over_two_links_let_nothing_behind_them_pass()
    {
        ScriptedLink first = await StartAsync(_broker.Options() with { HandlerConcurrency = 2 });
        await first.SendAsync(BrokerPackets.Publish("a/old", [], 1, 1));
        Assert.Equal("a/old", (await _started.Reader.NextAsync()).Topic);
        first.Reset();
        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);
        await second.SendAsync([.. BrokerPackets.Publish("a/2", [], 1, 2), .. BrokerPackets.Publish("a/3", [], 1, 3)]);
        Assert.Equal("a/2", (await _started.Reader.NextAsync()).Topic);
        await PassAsync(second);

        // The newer link's fails first, then the older link's.
        Gate("a/2").TrySetException(new IOException("disk full"));
        await second.NextAsync(PacketType.Disconnect);
        Gate("a/old").TrySetException(new IOException("disk full"));
        Task<MqttReceivedMessage> next = _started.Reader.NextAsync();
        second.Close();
        foreach (string topic in (string[])["a/2", "a/old"])
        {
            _gates.TryRemove(topic, out _);
        }
        ScriptedLink third = await _broker.AcceptAsync(sessionPresent: true);
        await third.SendAsync([.. BrokerPackets.Publish("a/old", [], 1, 1, true), .. BrokerPackets.Publish("a/2", [], 1, 2, true), .. BrokerPackets.Publish("a/3", [], 1, 3, true)]);

        // Not a/3 from the second link, which was waiting behind a/2.
        Assert.Equal(("a/old", true), Shape(await next));
        Assert.Equal(("a/2", true), Shape(await _started.Reader.NextAsync()));
        Open("a/old");
        Open("a/2");
        Assert.Equal(("a/3", true), Shape(await _started.Reader.NextAsync()));
        Open("a/3");
        for (ushort i = 1; i <= 3; i++)
        {
            Assert.Equal(i, (await third.NextAsync(PacketType.PubAck)).PacketId);
        }
    }

    /// <summary>What such a handler waits for lies behind what is not read, so it is read on after a while.</summary>
    [Fact]
    public async Task A_handler_that_awaits_a_publish_gets_its_answer_even_behind_more_than_a_broker_may_send()
    {
        MqttSession? session = null;
        Channel<string> handled = Channel.CreateUnbounded<string>();
        _session = session = new MqttSession(_broker.Options() with { ReceiveMaximum = 2, PingTimeout = TimeSpan.FromMilliseconds(5) });
        Task<MqttQos> granted = session.SubscribeAsync("a/#", MqttQos.AtLeastOnce, async (message, token) =>
        {
            if (message.Topic == "a/1")
            {
                await session.PublishAsync(Peers.Text("t", "ours"), token);
            }
            handled.Writer.TryWrite(message.Topic);
        });
        await session.StartAsync();
        ScriptedLink link = await GrantAsync(granted);
        for (ushort i = 1; i <= 30; i++)
        {
            await link.SendAsync(BrokerPackets.Publish($"a/{i}", [], 1, i));
        }
        ClientPacket ours = await link.NextAsync(PacketType.Publish);
        await link.SendAsync(BrokerPackets.PubAck(ours.PacketId));

        for (ushort i = 1; i <= 30; i++)
        {
            Assert.Equal($"a/{i}", await handled.Reader.NextAsync());
            Assert.Equal(i, (await link.NextAsync(PacketType.PubAck)).PacketId);
        }
        Assert.Equal(1, session.Counters.Connects);
    }

    private static (int, MqttReasonCode) Ack(ClientPacket packet) => (packet.PacketId, packet.Reason);

    private static (string, bool) Shape(MqttReceivedMessage message) => (message.Topic, message.Duplicate);

    /// <summary>Everything that was sent to the session before has been read by it.</summary>
    private async Task PassAsync(ScriptedLink link)
    {
        Task<MqttAck> mark = _session!.PublishAsync(Peers.Text("t", "pass"));
        await link.SendAsync(BrokerPackets.PubAck((await link.NextAsync(PacketType.Publish)).PacketId));
        await mark.WaitAsync(Peers.Patience);
    }

    /// <summary>A connected session whose handler of <c>a/#</c> reports each start and waits for <see cref="Open"/>.</summary>
    private async Task<ScriptedLink> StartAsync(MqttSessionOptions options)
    {
        _session = new MqttSession(options);
        Task<MqttQos> granted = _session.SubscribeAsync("a/#", MqttQos.AtLeastOnce, async (message, token) =>
        {
            _started.Writer.TryWrite(message);
            await Gate(message.Topic).Task.WaitAsync(token);
        });
        await _session.StartAsync();
        return await GrantAsync(granted);
    }

    private async Task<ScriptedLink> GrantAsync(Task<MqttQos> granted)
    {
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        await link.SendAsync(BrokerPackets.SubAck((await link.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.GrantedQos1));
        await granted.WaitAsync(Peers.Patience);
        return link;
    }

    private TaskCompletionSource Gate(string topic) => _gates.GetOrAdd(topic, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private void Open(string topic) => Gate(topic).TrySetResult();
}
