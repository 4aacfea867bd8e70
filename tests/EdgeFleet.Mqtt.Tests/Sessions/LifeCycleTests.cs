using System.Threading.Channels;
using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Tests.Brokers;
using EdgeFleet.Mqtt.Tests.Protocol;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>Beginnings and ends of links, and what the owner is told of them.</summary>
public sealed class LifeCycleTests : IAsyncLifetime
{
    private readonly ScriptedBroker _broker = new();
    private readonly Channel<MqttDisconnected> _ends = Channel.CreateUnbounded<MqttDisconnected>();
    private readonly List<MqttSession> _sessions = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        foreach (MqttSession session in _sessions)
        {
            await session.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_session_that_is_taken_over_ends_and_says_so()
    {
        (MqttSession session, ScriptedLink link) = await StartAsync();
        Task<MqttAck> pending = session.PublishAsync(Peers.Text("t", "x"));
        await link.NextAsync(PacketType.Publish);

        await link.SendAsync(BrokerPackets.Disconnect(MqttReasonCode.SessionTakenOver));

        MqttDisconnected end = await _ends.Reader.NextAsync();
        Assert.Equal((MqttDisconnectCause.SessionTakenOver, MqttReasonCode.SessionTakenOver, null), (end.Cause, end.ReasonCode!.Value, end.RetryIn));
        MqttException reason = await Assert.ThrowsAsync<MqttException>(() => session.Completion.WaitAsync(Peers.Patience));
        Assert.Equal("another client connected to the broker as 'scripted'", reason.Message);
        Assert.Equal(MqttReasonCode.SessionTakenOver, (await Assert.ThrowsAsync<MqttException>(() => pending)).ReasonCode);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => session.StartAsync());
    }

    [Fact]
    public async Task A_broker_that_says_goodbye_is_connected_to_again()
    {
        (MqttSession session, ScriptedLink link) = await StartAsync();

        await link.SendAsync(BrokerPackets.Disconnect(MqttReasonCode.ServerShuttingDown, BrokerPackets.Property(PropertyId.ReasonString, "upgrade")));

        MqttDisconnected end = await _ends.Reader.NextAsync();
        Assert.Equal((MqttDisconnectCause.BrokerDisconnected, "the broker disconnected: upgrade"), (end.Cause, end.Detail));
        Assert.False((await _broker.AcceptAsync(sessionPresent: true)).Connect.CleanStart);
    }

    [Fact]
    public async Task A_clean_start_is_asked_for_on_the_first_connect_only()
    {
        (_, ScriptedLink first) = await StartAsync(_broker.Options() with { CleanStart = true });
        Assert.True(first.Connect.CleanStart);
        first.Reset();
        Assert.False((await _broker.AcceptAsync(sessionPresent: true)).Connect.CleanStart);
    }

    [Theory]
    [InlineData("malformed", "320000", MqttReasonCode.MalformedPacket)]
    [InlineData("a packet that only clients send", "C000", MqttReasonCode.ProtocolError)]
    [InlineData("a second CONNACK", "2003000000", MqttReasonCode.ProtocolError)]
    [InlineData("QoS 2", "3405000161000100", MqttReasonCode.QosNotSupported)]
    [InlineData("larger than allowed", "30808040", MqttReasonCode.PacketTooLarge)]
    [InlineData("a topic alias", "3007000161032300017A", MqttReasonCode.TopicAliasInvalid)]
    [InlineData("flags on PINGRESP", "D100", MqttReasonCode.MalformedPacket)]
    [InlineData("an authentication exchange", "F000", MqttReasonCode.ProtocolError)]
    public async Task A_broker_that_breaks_the_protocol_is_told_why_and_left(string what, string bytes, MqttReasonCode reason)
    {
        (MqttSession session, ScriptedLink link) = await StartAsync();

        await link.SendAsync(Convert.FromHexString(bytes));

        Assert.Equal((what, reason), (what, (await link.NextAsync(PacketType.Disconnect)).Reason));
        Assert.True(await link.ClosedAsync());
        link.Close();
        Assert.Equal(MqttDisconnectCause.ProtocolError, (await _ends.Reader.NextAsync()).Cause);
        await _broker.AcceptAsync(sessionPresent: true);
        Assert.False(session.Completion.IsCompleted);
    }

    [Theory]
    [InlineData("20030087", "the broker closed the link without an answer")] // cut short
    [InlineData("2003008700", "the broker refuses the connection: NotAuthorized")]
    [InlineData("20020005", "the broker refuses the connection: UnsupportedProtocolVersion")]
    [InlineData("40020001", "the broker's first packet is PubAck, not CONNACK")]
    [InlineData("2005000002" + "2400", "the broker takes QoS 0 only")]
    [InlineData("4809545450", "the broker closed the link without an answer")]
    [InlineData("4803545450", "PubAck has flags 0x8")]
    public async Task What_is_no_welcome_fails_the_connect_in_words(string bytes, string expected)
    {
        MqttSession session = New(_broker.Options());
        Task connecting = session.ConnectAsync();
        ScriptedLink link = await _broker.AcceptAsync();
        await link.SendAsync(Convert.FromHexString(bytes));
        link.Close();

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => connecting.WaitAsync(Peers.Patience));

        Assert.Contains($"127.0.0.1:{_broker.Port}: ", refused.Message);
        Assert.Contains(expected, refused.Message);
    }

    [Fact]
    public async Task An_idle_link_is_pinged_and_one_that_stays_silent_is_given_up()
    {
        ManualTimeProvider time = new();
        (MqttSession session, ScriptedLink link) = await StartAsync(_broker.Options(), time);
        await PassAsync(session, link);

        await PingAsync(TimeSpan.FromSeconds(30));
        for (int i = 0; i < 3; i++)
        {
            await link.SendAsync(BrokerPackets.PingResp());
            await PassAsync(session, link);
            // The watch looks, is content, and sleeps for what is left of the keep-alive since that traffic.
            await AdvanceAsync(time, TimeSpan.FromSeconds(10));
            await PingAsync(TimeSpan.FromSeconds(20));
        }
        Assert.True(session.IsConnected);

        time.Advance(TimeSpan.FromSeconds(10));
        MqttDisconnected end = await _ends.Reader.NextAsync();
        Assert.Equal((MqttDisconnectCause.PingTimeout, MqttReasonCode.KeepAliveTimeout), (end.Cause, end.ReasonCode!.Value));

        async Task PingAsync(TimeSpan idle)
        {
            await AdvanceAsync(time, idle);
            await link.NextAsync(PacketType.PingReq);
        }
    }

    [Fact]
    public async Task The_brokers_keep_alive_counts()
    {
        ManualTimeProvider time = new();
        (_, ScriptedLink link) = await StartAsync(_broker.Options(), time, BrokerPackets.Property(PropertyId.ServerKeepAlive, (ushort)5));

        time.Advance(TimeSpan.FromSeconds(5));

        await link.NextAsync(PacketType.PingReq);
    }

    [Fact]
    public async Task A_session_may_be_disposed_from_inside_a_handler()
    {
        MqttSession? session = null;
        TaskCompletionSource disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        session = New(_broker.Options());
        Task<MqttQos> granted = session.SubscribeAsync("a", MqttQos.AtLeastOnce, async (_, _) =>
        {
            await session.DisposeAsync();
            disposed.TrySetResult();
        });
        await session.StartAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        await link.SendAsync(BrokerPackets.SubAck((await link.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.GrantedQos1));
        await granted.WaitAsync(Peers.Patience);
        Task<MqttAck> pending = session.PublishAsync(Peers.Text("t", "x"));
        await link.NextAsync(PacketType.Publish);

        await link.SendAsync(BrokerPackets.Publish("a", []));

        await disposed.Task.WaitAsync(Peers.Patience);
        Assert.Equal(MqttReasonCode.Success, (await link.NextAsync(PacketType.Disconnect)).Reason);
        Assert.True(await link.ClosedAsync());
        link.Close();
        await session.Completion.WaitAsync(Peers.Patience);
        await Assert.ThrowsAsync<MqttException>(() => pending);
    }

    [Fact]
    public async Task A_session_may_be_disposed_from_inside_its_callbacks()
    {
        MqttSession? inConnected = null;
        inConnected = New(_broker.Options("one") with { OnConnected = async (_, _) => await inConnected!.DisposeAsync() });
        await inConnected.StartAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        await link.NextAsync(PacketType.Disconnect);
        link.Close();
        await inConnected.Completion.WaitAsync(Peers.Patience);

        MqttSession? inDisconnected = null;
        inDisconnected = New(_broker.Options("two") with { OnDisconnected = async (_, _) => await inDisconnected!.DisposeAsync() });
        await inDisconnected.StartAsync();
        (await _broker.AcceptAsync(sessionPresent: false)).Reset();
        await inDisconnected.Completion.WaitAsync(Peers.Patience);
    }

    [Fact]
    public async Task A_session_may_be_disposed_at_any_moment_and_every_task_ends()
    {
        Random random = new(5);
        for (int round = 0; round < 40; round++)
        {
            MqttSession session = New(_broker.Options());
            await session.StartAsync();
            Task<MqttAck>[] pending = [.. Enumerable.Range(0, 20).Select(i => session.PublishAsync(Peers.Text("t", $"{i}")))];
            Task<MqttQos> subscribing = session.SubscribeAsync("a", MqttQos.AtMostOnce, (_, _) => Task.CompletedTask);
            if (round % 2 == 0)
            {
                ScriptedLink link = await _broker.AcceptAsync();
                if (round % 4 == 0)
                {
                    await link.SendAsync(BrokerPackets.ConnAck());
                }
                link.Close();
            }
            for (int spin = random.Next(20); spin > 0; spin--)
            {
                await Task.Yield();
            }

            await Task.WhenAll(session.DisposeAsync().AsTask(), session.DisposeAsync().AsTask()).WaitAsync(Peers.Patience);

            Assert.True(session.Completion.IsCompletedSuccessfully);
            Assert.All(pending, task => Assert.IsType<MqttException>(task.Exception?.InnerException));
            Assert.IsType<MqttException>((await Record.ExceptionAsync(() => subscribing))!);
            if (round % 2 == 1)
            {
                // The connect that was under way, so that the next round meets its own.
                await _broker.DrainAsync();
            }
        }
    }

    [Fact]
    public async Task The_will_is_made_anew_for_each_attempt_and_a_disk_that_is_full_passes()
    {
        int calls = 0;
        MqttSession session = New(_broker.Options() with
        {
            WillFactory = () => ++calls == 2 ? throw new IOException("disk full") : new MqttWill(Peers.Text("w", $"epoch {calls}")),
        });
        await session.StartAsync();
        ScriptedLink first = await _broker.AcceptAsync(sessionPresent: false);
        Assert.Contains("epoch 1", System.Text.Encoding.UTF8.GetString(first.Connect.Body));
        first.Reset();

        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);

        Assert.Contains("epoch 3", System.Text.Encoding.UTF8.GetString(second.Connect.Body));
        Assert.NotEqual(MqttDisconnectCause.ConnectFailed, (await _ends.Reader.NextAsync()).Cause);
        Assert.Equal("the will could not be made: disk full", (await _ends.Reader.NextAsync()).Detail);
    }

    [Fact]
    public async Task An_owner_whose_callback_breaks_learns_it_from_completion_or_loses_the_link()
    {
        MqttSession broken = New(_broker.Options("broken") with { OnDisconnected = (_, _) => throw new InvalidOperationException("bug") });
        await broken.StartAsync();
        (await _broker.AcceptAsync(sessionPresent: false)).Reset();
        Assert.Equal("bug", (await Assert.ThrowsAsync<InvalidOperationException>(() => broken.Completion.WaitAsync(Peers.Patience))).Message);

        int connects = 0;
        MqttSession careless = New(_broker.Options("careless") with { OnConnected = (_, _) => connects++ == 0 ? throw new InvalidOperationException("bug") : Task.CompletedTask });
        await careless.StartAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        Assert.Equal(MqttReasonCode.ImplementationSpecificError, (await link.NextAsync(PacketType.Disconnect)).Reason);
        link.Close();
        MqttDisconnected end = await _ends.Reader.NextAsync();
        Assert.Equal((MqttDisconnectCause.CallbackFailed, "OnConnected failed: bug"), (end.Cause, end.Detail));
        await _broker.AcceptAsync(sessionPresent: true);
    }

    [Fact]
    public async Task What_the_owner_publishes_on_connect_may_be_awaited_there()
    {
        Channel<MqttAck> acks = Channel.CreateUnbounded<MqttAck>();
        MqttSession? session = null;
        session = New(_broker.Options() with
        {
            OnConnected = async (connected, token) => acks.Writer.TryWrite(await session!.PublishAsync(Peers.Text("presence", $"{connected.Number}"), token)),
        });
        await session.StartAsync();
        for (int i = 1; i <= 2; i++)
        {
            ScriptedLink link = await _broker.AcceptAsync(sessionPresent: true);
            ClientPacket presence = await link.NextAsync(PacketType.Publish);
            Assert.Equal($"{i}", presence.Payload);
            await link.SendAsync(BrokerPackets.PubAck(presence.PacketId));
            Assert.Equal(i, (await acks.Reader.NextAsync()).Link);
            link.Reset();
        }
    }

    [Fact]
    public async Task A_subscription_that_is_refused_after_the_broker_forgot_it_drops_the_link_and_is_asked_for_again()
    {
        MqttSession session = New(_broker.Options());
        Channel<string> handled = Channel.CreateUnbounded<string>();
        Task<MqttQos> granted = session.SubscribeAsync("a/#", MqttQos.AtLeastOnce, (message, _) => handled.Writer.WriteAsync(message.Topic).AsTask());
        await session.StartAsync();
        ScriptedLink first = await _broker.AcceptAsync(sessionPresent: false);
        await first.SendAsync(BrokerPackets.SubAck((await first.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.GrantedQos1));
        await granted.WaitAsync(Peers.Patience);
        first.Reset();
        await _ends.Reader.NextAsync();

        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: false);
        await second.SendAsync(BrokerPackets.SubAck((await second.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.NotAuthorized));
        Assert.Equal(MqttReasonCode.UnspecifiedError, (await second.NextAsync(PacketType.Disconnect)).Reason);
        second.Close();
        MqttDisconnected refused = await _ends.Reader.NextAsync();

        // The broker may well say that it has the session: the one without the subscription.
        ScriptedLink third = await _broker.AcceptAsync(sessionPresent: true);
        await third.SendAsync(BrokerPackets.SubAck((await third.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.GrantedQos1));
        await third.SendAsync(BrokerPackets.Publish("a/1", [], 1, 1));

        Assert.Equal((MqttDisconnectCause.SubscriptionRefused, MqttReasonCode.NotAuthorized), (refused.Cause, refused.ReasonCode!.Value));
        Assert.Equal("the broker refuses filter 'a/#': NotAuthorized", refused.Detail);
        Assert.NotNull(refused.RetryIn);
        Assert.Equal("a/1", await handled.Reader.NextAsync());
        Assert.Equal(1, (await third.NextAsync(PacketType.PubAck)).PacketId);
        Assert.False(session.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_first_subscription_that_is_refused_fails_its_task_and_costs_nothing_else()
    {
        (MqttSession session, ScriptedLink link) = await StartAsync();
        Task<MqttQos> asked = session.SubscribeAsync("a/#", MqttQos.AtLeastOnce, (_, _) => Task.CompletedTask);
        await link.SendAsync(BrokerPackets.SubAck((await link.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.NotAuthorized));

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => asked.WaitAsync(Peers.Patience));
        await PassAsync(session, link);
        link.Reset();
        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: false);

        Assert.Equal(MqttReasonCode.NotAuthorized, refused.ReasonCode);
        await PassAsync(session, second); // nothing is asked for again
    }

    private MqttSession New(MqttSessionOptions options, TimeProvider? time = null)
    {
        MqttSession session = new(options.OnDisconnected is null ? options with { OnDisconnected = async (end, _) => await _ends.Writer.WriteAsync(end) } : options, time);
        _sessions.Add(session);
        return session;
    }

    private Task<(MqttSession Session, ScriptedLink Link)> StartAsync() => StartAsync(_broker.Options());

    private async Task<(MqttSession Session, ScriptedLink Link)> StartAsync(MqttSessionOptions options, TimeProvider? time = null, params byte[][] properties)
    {
        MqttSession session = New(options, time);
        Task connecting = session.ConnectAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false, properties);
        await connecting.WaitAsync(Peers.Patience);
        return (session, link);
    }

    /// <summary>Everything that went either way before has been read.</summary>
    private static async Task PassAsync(MqttSession session, ScriptedLink link)
    {
        Task<MqttAck> mark = session.PublishAsync(Peers.Text("t", "pass"));
        await link.SendAsync(BrokerPackets.PubAck((await link.NextAsync(PacketType.Publish)).PacketId));
        await mark.WaitAsync(Peers.Patience);
    }

    /// <summary>Wakes what sleeps on the clock and waits until it sleeps again.</summary>
    private static async Task AdvanceAsync(ManualTimeProvider time, TimeSpan by)
    {
        Task asleep = time.TimerCreated;
        time.Advance(by);
        await asleep.WaitAsync(Peers.Patience);
    }
}
