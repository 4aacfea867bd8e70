using System.Buffers;
using System.Collections;
using System.Threading.Channels;
using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Sessions;
using EdgeFleet.Mqtt.Tests.Brokers;
using EdgeFleet.Mqtt.Tests.Protocol;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>Bugs, ours and the owner's: no loop may stop without somebody being told.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private static readonly InvalidOperationException s_bug = new("bug");

    private readonly ScriptedBroker _broker = new();
    private readonly Channel<MqttDisconnected> _ends = Channel.CreateUnbounded<MqttDisconnected>();
    private readonly ManualTimeProvider _time = new();
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
    public Task A_bug_in_the_loop_that_reads_ends_the_session_with_the_bug() =>
        EndsWithTheBugAsync(PacketType.Disconnect, (link, _) => link.SendAsync(BrokerPackets.PubAck(4711)));

    [Fact]
    public Task A_bug_in_the_loop_that_writes_ends_the_session_with_the_bug() =>
        EndsWithTheBugAsync(PacketType.Publish, (_, session) => session.PublishAsync(Peers.Text("t", "x", MqttQos.AtMostOnce)));

    [Fact]
    public Task A_bug_in_the_watch_on_silence_ends_the_session_with_the_bug() =>
        EndsWithTheBugAsync(PacketType.Disconnect, (_, _) =>
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            return Task.CompletedTask;
        });

    [Fact]
    public async Task A_bug_in_the_loop_over_messages_is_thrown_by_it_instead_of_stopping_it_silently()
    {
        Inbox inbox = new(10);
        inbox.Begin(1, sessionPresent: false);
        HandlerLoop loop = new(inbox, new Subscriptions(new PacketIds()), _broker.Options(), (_, _) => throw s_bug, (_, _) => { });
        inbox.Add(new PublishPacket(MqttQos.AtLeastOnce, 1, new MqttReceivedMessage { Topic = "t" }, null), 1);

        Assert.Same(s_bug, await Assert.ThrowsAsync<InvalidOperationException>(() => loop.RunAsync(CancellationToken.None).WaitAsync(Peers.Patience)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task An_owner_whose_OnHandlerFailed_throws_is_told_and_gets_the_message_again(int concurrency)
    {
        int calls = 0;
        Channel<string> handled = Channel.CreateUnbounded<string>();
        ScriptedLink first = await StartAsync(
            _broker.Options() with { HandlerConcurrency = concurrency, OnHandlerFailed = (_, _) => throw s_bug },
            message => calls++ == 0 ? throw new IOException("disk full") : handled.Writer.WriteAsync(message.Topic).AsTask());
        await first.SendAsync(BrokerPackets.Publish("a/1", [], 1, 1));

        Assert.Equal(MqttReasonCode.ImplementationSpecificError, (await first.NextAsync(PacketType.Disconnect)).Reason);
        first.Close();
        MqttDisconnected end = await _ends.Reader.NextAsync();
        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);
        await second.SendAsync([.. BrokerPackets.Publish("a/1", [], 1, 1, duplicate: true), .. BrokerPackets.Publish("a/2", [], 1, 2)]);

        Assert.Equal((MqttDisconnectCause.CallbackFailed, "OnHandlerFailed failed: bug"), (end.Cause, end.Detail));
        Assert.Same(s_bug, end.Exception);
        Assert.Equal("a/1", await handled.Reader.NextAsync());
        Assert.Equal("a/2", await handled.Reader.NextAsync());
        Assert.Equal(1, (await second.NextAsync(PacketType.PubAck)).PacketId);
        Assert.Equal(2, (await second.NextAsync(PacketType.PubAck)).PacketId);
    }

    [Fact]
    public async Task A_handler_that_throws_at_qos_0_is_counted_and_the_link_stays()
    {
        int calls = 0;
        TaskCompletionSource handled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedLink link = await StartAsync(_broker.Options(), _ =>
        {
            if (calls++ == 0)
            {
                throw new IOException("disk full");
            }
            handled.TrySetResult();
            return Task.CompletedTask;
        });

        await link.SendAsync([.. BrokerPackets.Publish("a/1", []), .. BrokerPackets.Publish("a/2", [])]);

        await handled.Task.WaitAsync(Peers.Patience);
        Assert.Equal((1, 1), (_session!.Counters.HandlersFailed, _session.Counters.Connects));
    }

    /// <summary>A payload whose owner has disposed it, or a list that was changed: such a message must not cost the others their link.</summary>
    [Fact]
    public async Task A_message_that_its_owner_has_broken_meanwhile_fails_alone()
    {
        _session = new MqttSession(_broker.Options());
        BrokenMemory payload = new();
        Task<MqttAck> before = _session.PublishAsync(Peers.Text("t", "before"));
        Task<MqttAck> disposed = _session.PublishAsync(new MqttMessage { Topic = "t", Payload = payload.Memory });
        Task<MqttAck> changed = _session.PublishAsync(Peers.Text("t", "x") with { UserProperties = new TrickyList(() => throw s_bug) });
        Task<MqttAck> after = _session.PublishAsync(Peers.Text("t", "after"));
        await _session.StartAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);

        foreach (string expected in (string[])["before", "after"])
        {
            ClientPacket packet = await link.NextAsync(PacketType.Publish);
            Assert.Equal(expected, packet.Payload);
            await link.SendAsync(BrokerPackets.PubAck(packet.PacketId));
        }

        Assert.True((await before.WaitAsync(Peers.Patience)).IsSuccess);
        Assert.True((await after.WaitAsync(Peers.Patience)).IsSuccess);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => disposed.WaitAsync(Peers.Patience));
        Assert.Same(s_bug, await Assert.ThrowsAsync<InvalidOperationException>(() => changed.WaitAsync(Peers.Patience)));
    }

    [Fact]
    public async Task A_publish_may_be_given_up_at_the_moment_at_which_it_turns_out_that_it_cannot_be_sent()
    {
        using CancellationTokenSource cancel = new();
        Thread giveUp = new(cancel.Cancel);
        _session = new MqttSession(_broker.Options());
        // Looked at with the session's gate held, to learn the size of the packet: the cancellation then waits for that gate.
        TrickyList properties = new(() =>
        {
            giveUp.Start();
            SpinWait.SpinUntil(() => giveUp.ThreadState.HasFlag(ThreadState.WaitSleepJoin));
        });
        Task<MqttAck> large = _session.PublishAsync(new MqttMessage { Topic = "t", Payload = new byte[200], UserProperties = properties }, cancel.Token);
        Task<MqttAck> next = _session.PublishAsync(Peers.Text("t", "next"));
        await _session.StartAsync();

        ScriptedLink link = await _broker.AcceptAsync(false, BrokerPackets.Property(PropertyId.MaximumPacketSize, 100u));
        ClientPacket packet = await link.NextAsync(PacketType.Publish);
        await link.SendAsync(BrokerPackets.PubAck(packet.PacketId));

        Assert.Equal("next", packet.Payload);
        Assert.True((await next.WaitAsync(Peers.Patience)).IsSuccess);
        Assert.Equal(MqttReasonCode.PacketTooLarge, (await Assert.ThrowsAsync<MqttException>(() => large.WaitAsync(Peers.Patience))).ReasonCode);
    }

    /// <summary>The trigger makes a loop look at the clock, which has been armed with a bug.</summary>
    private async Task EndsWithTheBugAsync(PacketType lastPacket, Func<ScriptedLink, MqttSession, Task> trigger)
    {
        FaultyClock clock = new(_time);
        _session = new MqttSession(_broker.Options() with { OnDisconnected = async (end, _) => await _ends.Writer.WriteAsync(end) }, clock);
        Task connecting = _session.ConnectAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        await connecting.WaitAsync(Peers.Patience);
        Task<MqttAck> pending = _session.PublishAsync(Peers.Text("t", "pending"));
        await link.NextAsync(PacketType.Publish);
        await QuietAsync(link);

        clock.Arm(s_bug);
        await trigger(link, _session);
        Assert.Equal(lastPacket, (await link.NextAsync()).Type);
        Assert.True(await link.ClosedAsync());
        link.Close();

        MqttDisconnected end = await _ends.Reader.NextAsync();
        Assert.Equal((MqttDisconnectCause.Faulted, null), (end.Cause, end.RetryIn));
        Assert.Same(s_bug, end.Exception);
        Assert.Same(s_bug, await Assert.ThrowsAsync<InvalidOperationException>(() => _session.Completion.WaitAsync(Peers.Patience)));
        Assert.Contains("bug", (await Assert.ThrowsAsync<MqttException>(() => pending.WaitAsync(Peers.Patience))).Message);
    }

    /// <summary>Everything that was on its way has been read and written: no loop looks at the clock by itself any more.</summary>
    private async Task QuietAsync(ScriptedLink link)
    {
        Task<MqttAck> mark = _session!.PublishAsync(Peers.Text("t", "mark"));
        await link.SendAsync(BrokerPackets.PubAck((await link.NextAsync(PacketType.Publish)).PacketId));
        await mark.WaitAsync(Peers.Patience);
    }

    private async Task<ScriptedLink> StartAsync(MqttSessionOptions options, Func<MqttReceivedMessage, Task> handler)
    {
        _session = new MqttSession(options with { OnDisconnected = async (end, _) => await _ends.Writer.WriteAsync(end) });
        Task<MqttQos> granted = _session.SubscribeAsync("a/#", MqttQos.AtLeastOnce, (message, _) => handler(message));
        await _session.StartAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        await link.SendAsync(BrokerPackets.SubAck((await link.NextAsync(PacketType.Subscribe)).PacketId, MqttReasonCode.GrantedQos1));
        await granted.WaitAsync(Peers.Patience);
        return link;
    }

    /// <summary>Memory of a pool that was given back.</summary>
    private sealed class BrokenMemory : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(10);

        public override Span<byte> GetSpan() => throw new ObjectDisposedException("payload");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            // Nothing is held.
        }
    }

    /// <summary>A list that does something when it is looked through for the second time; the first is the check of the message.</summary>
    private sealed class TrickyList(Action onSecondLook) : IReadOnlyList<MqttUserProperty>
    {
        private int _looks;

        public int Count => 1;

        public MqttUserProperty this[int index] => new("n", "v");

        public IEnumerator<MqttUserProperty> GetEnumerator()
        {
            if (++_looks == 2)
            {
                onSecondLook();
            }
            yield return this[0];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
