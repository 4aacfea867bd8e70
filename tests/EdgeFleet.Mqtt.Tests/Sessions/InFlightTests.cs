using System.Threading.Channels;
using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Tests.Brokers;
using EdgeFleet.Mqtt.Tests.Protocol;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>What becomes of QoS 1 publishes when links and brokers come and go.</summary>
public sealed class InFlightTests : IAsyncLifetime
{
    private readonly ScriptedBroker _broker = new();
    private readonly Channel<MqttDisconnected> _ends = Channel.CreateUnbounded<MqttDisconnected>();
    private MqttSession _session = null!;

    public Task InitializeAsync()
    {
        _session = new MqttSession(_broker.Options() with { OnDisconnected = async (end, _) => await _ends.Writer.WriteAsync(end) });
        return _session.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        await _session.DisposeAsync();
    }

    [Fact]
    public async Task Where_the_broker_kept_the_session_the_same_ids_are_sent_again_in_order_and_marked_and_new_ones_follow()
    {
        ScriptedLink first = await _broker.AcceptAsync(sessionPresent: false);
        Task<MqttAck>[] acks = [.. Enumerable.Range(0, 3).Select(i => _session.PublishAsync(Peers.Text("t", $"{i}")))];
        ClientPacket[] sent = [await first.NextAsync(), await first.NextAsync(), await first.NextAsync()];
        await first.SendAsync(BrokerPackets.PubAck(sent[1].PacketId));
        await acks[1];
        first.Reset();
        await _ends.Reader.NextAsync();
        Task<MqttAck> late = _session.PublishAsync(Peers.Text("t", "late"));

        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: true);
        ClientPacket[] again = [await second.NextAsync(), await second.NextAsync(), await second.NextAsync()];

        Assert.All(sent, packet => Assert.False(packet.Duplicate));
        Assert.Equal([(sent[0].PacketId, "0", true), (sent[2].PacketId, "2", true)], again[..2].Select(packet => (packet.PacketId, packet.Payload, packet.Duplicate)));
        Assert.Equal(("late", false), (again[2].Payload, again[2].Duplicate));
        Assert.DoesNotContain(again[2].PacketId, new[] { sent[0].PacketId, sent[2].PacketId });
        foreach (ClientPacket packet in again)
        {
            await second.SendAsync(BrokerPackets.PubAck(packet.PacketId));
        }
        Assert.Equal([2L, 1L, 2L, 2L], (await Task.WhenAll([.. acks, late]).WaitAsync(Peers.Patience)).Select(ack => ack.Link));
        Assert.Equal(2, _session.Counters.Resent);
    }

    [Fact]
    public async Task Where_the_broker_forgot_the_session_the_same_messages_go_out_as_new_ones_and_complete_the_same_tasks()
    {
        ScriptedLink first = await _broker.AcceptAsync(sessionPresent: false);
        Task<MqttAck>[] acks = [.. Enumerable.Range(0, 3).Select(i => _session.PublishAsync(Peers.Text("t", $"{i}")))];
        ClientPacket[] sent = [await first.NextAsync(), await first.NextAsync(), await first.NextAsync()];
        first.Reset();

        ScriptedLink second = await _broker.AcceptAsync(sessionPresent: false);
        ClientPacket[] again = [await second.NextAsync(), await second.NextAsync(), await second.NextAsync()];

        Assert.Equal(["0", "1", "2"], again.Select(packet => packet.Payload));
        Assert.All(again, packet => Assert.False(packet.Duplicate));
        Assert.Empty(again.Select(packet => packet.PacketId).Intersect(sent.Select(packet => packet.PacketId)));
        // The old ids mean nothing on the new session.
        await second.SendAsync(BrokerPackets.PubAck(sent[0].PacketId));
        foreach (ClientPacket packet in again)
        {
            await second.SendAsync(BrokerPackets.PubAck(packet.PacketId, MqttReasonCode.NoMatchingSubscribers));
        }
        Assert.All(await Task.WhenAll(acks).WaitAsync(Peers.Patience), ack => Assert.Equal(new MqttAck(MqttReasonCode.NoMatchingSubscribers, null, 2), ack));
    }

    [Fact]
    public async Task No_more_messages_are_in_flight_than_the_broker_takes()
    {
        ScriptedLink link = await _broker.AcceptAsync(false, BrokerPackets.Property(PropertyId.ReceiveMaximum, (ushort)2));
        Task<MqttAck>[] acks = [.. Enumerable.Range(0, 5).Select(i => _session.PublishAsync(Peers.Text("t", $"{i}")))];
        Queue<ClientPacket> unacknowledged = new([await link.NextAsync(), await link.NextAsync()]);
        // The next packet is a mark at QoS 0, which no window holds back.
        await _session.PublishAsync(Peers.Text("t", "mark", MqttQos.AtMostOnce));
        Assert.Equal(0x30, (await link.NextAsync()).Header);
        for (int i = 2; i < 5; i++)
        {
            await link.SendAsync(BrokerPackets.PubAck(unacknowledged.Dequeue().PacketId));
            ClientPacket next = await link.NextAsync();
            Assert.Equal($"{i}", next.Payload);
            unacknowledged.Enqueue(next);
        }
        await Task.WhenAll(acks[..3]).WaitAsync(Peers.Patience);
        Assert.All(acks[3..], ack => Assert.False(ack.IsCompleted));
    }

    [Fact]
    public async Task A_smaller_window_after_a_reconnect_holds_for_what_is_sent_again()
    {
        ScriptedLink first = await _broker.AcceptAsync(false);
        Task<MqttAck>[] acks = [.. Enumerable.Range(0, 3).Select(i => _session.PublishAsync(Peers.Text("t", $"{i}")))];
        ushort[] ids = [(await first.NextAsync()).PacketId, (await first.NextAsync()).PacketId, (await first.NextAsync()).PacketId];
        first.Reset();

        ScriptedLink second = await _broker.AcceptAsync(true, BrokerPackets.Property(PropertyId.ReceiveMaximum, (ushort)1));
        foreach (ushort id in ids)
        {
            ClientPacket again = await second.NextAsync();
            Assert.Equal((id, true), (again.PacketId, again.Duplicate));
            await _session.PublishAsync(Peers.Text("t", "mark", MqttQos.AtMostOnce));
            Assert.Equal(0x30, (await second.NextAsync()).Header);
            await second.SendAsync(BrokerPackets.PubAck(id));
        }
        Assert.All(await Task.WhenAll(acks).WaitAsync(Peers.Patience), ack => Assert.True(ack.IsSuccess));
    }

    [Fact]
    public async Task A_packet_above_the_brokers_limit_fails_before_it_is_sent_and_the_rest_goes_on()
    {
        ScriptedLink link = await _broker.AcceptAsync(false, BrokerPackets.Property(PropertyId.MaximumPacketSize, 100u));
        Task<MqttAck> large = _session.PublishAsync(new MqttMessage { Topic = "t", Payload = new byte[100] });
        Task<MqttAck> small = _session.PublishAsync(Peers.Text("t", "small"));

        ClientPacket packet = await link.NextAsync(PacketType.Publish);
        await link.SendAsync(BrokerPackets.PubAck(packet.PacketId));

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => large.WaitAsync(Peers.Patience));
        Assert.Equal(MqttReasonCode.PacketTooLarge, refused.ReasonCode);
        Assert.Equal("small", packet.Payload);
        Assert.True((await small).IsSuccess);
    }

    [Fact]
    public async Task A_broker_that_keeps_nothing_is_not_sent_what_it_should_keep()
    {
        ScriptedLink link = await _broker.AcceptAsync(false, BrokerPackets.Property(PropertyId.RetainAvailable, (byte)0));
        Task<MqttAck> retained = _session.PublishAsync(Peers.Text("t", "x") with { Retain = true });

        Assert.Equal(MqttReasonCode.RetainNotSupported, (await Assert.ThrowsAsync<MqttException>(() => retained.WaitAsync(Peers.Patience))).ReasonCode);
        Assert.NotNull(link);
    }

    [Fact]
    public async Task A_publish_that_is_given_up_before_it_is_sent_is_never_sent()
    {
        using CancellationTokenSource cancel = new();
        Task<MqttAck> given = _session.PublishAsync(Peers.Text("t", "given up"), cancel.Token);
        Task<MqttAck> kept = _session.PublishAsync(Peers.Text("t", "kept"));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);

        ScriptedLink link = await _broker.AcceptAsync(false);
        ClientPacket packet = await link.NextAsync(PacketType.Publish);
        await link.SendAsync(BrokerPackets.PubAck(packet.PacketId));

        Assert.Equal("kept", packet.Payload);
        Assert.True((await kept.WaitAsync(Peers.Patience)).IsSuccess);
    }

    [Fact]
    public async Task A_publish_that_is_given_up_in_flight_keeps_its_id_until_the_broker_lets_go()
    {
        ScriptedLink first = await _broker.AcceptAsync(false, BrokerPackets.Property(PropertyId.ReceiveMaximum, (ushort)1));
        using CancellationTokenSource cancel = new();
        Task<MqttAck> given = _session.PublishAsync(Peers.Text("t", "given up"), cancel.Token);
        Task<MqttAck> next = _session.PublishAsync(Peers.Text("t", "next"));
        ClientPacket packet = await first.NextAsync(PacketType.Publish);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        first.Reset();

        ScriptedLink second = await _broker.AcceptAsync(true, BrokerPackets.Property(PropertyId.ReceiveMaximum, (ushort)1));
        ClientPacket again = await second.NextAsync(PacketType.Publish);
        Assert.Equal((packet.PacketId, "given up", true), (again.PacketId, again.Payload, again.Duplicate));
        await second.SendAsync(BrokerPackets.PubAck(again.PacketId));
        ClientPacket following = await second.NextAsync(PacketType.Publish);
        await second.SendAsync(BrokerPackets.PubAck(following.PacketId));
        Assert.True((await next.WaitAsync(Peers.Patience)).IsSuccess);
    }

    [Fact]
    public async Task One_more_than_may_be_pending_is_refused()
    {
        await using MqttSession small = new(_broker.Options() with { MaximumPending = 2 });
        _ = small.PublishAsync(Peers.Text("t", "1"));
        using CancellationTokenSource cancel = new();
        Task<MqttAck> second = small.PublishAsync(Peers.Text("t", "2"), cancel.Token);

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => small.PublishAsync(Peers.Text("t", "3")));
        await cancel.CancelAsync();
        Task<MqttAck> third = small.PublishAsync(Peers.Text("t", "3"));

        Assert.Equal(MqttReasonCode.QuotaExceeded, refused.ReasonCode);
        Assert.Contains("2 publishes of 'scripted'", refused.Message);
        Assert.True(second.IsCanceled);
        Assert.False(third.IsCompleted);
    }
}
