using System.Reflection;
using System.Runtime.CompilerServices;
using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Tests.Brokers;
using EdgeFleet.Mqtt.Tests.Protocol;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>A caller's token often lives as long as its process: nothing that has ended may still hang on it.</summary>
public sealed class CancellationTests : IAsyncLifetime
{
    private readonly ScriptedBroker _broker = new();
    private readonly CancellationTokenSource _longLived = new();
    private MqttSession _session = null!;

    public Task InitializeAsync()
    {
        _session = new MqttSession(_broker.Options());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        await _session.DisposeAsync();
        _longLived.Dispose();
    }

    [Fact]
    public void The_count_of_what_hangs_on_a_token_is_right()
    {
        Assert.Equal(0, Registrations(_longLived));
        CancellationTokenRegistration one = _longLived.Token.Register(() => { });
        _longLived.Token.Register(() => { });
        Assert.Equal(2, Registrations(_longLived));
        one.Dispose();
        Assert.Equal(1, Registrations(_longLived));
    }

    [Fact]
    public async Task A_session_that_has_connected_leaves_nothing_on_the_token_of_its_connect()
    {
        await ConnectAsync();

        Assert.Equal(0, Registrations(_longLived));
        await _longLived.CancelAsync();
        Assert.True(_session.IsConnected);
    }

    [Fact]
    public async Task Publishes_that_have_ended_leave_nothing_on_their_token()
    {
        ScriptedLink link = await ConnectAsync(BrokerPackets.Property(PropertyId.MaximumPacketSize, 100u));
        for (int i = 0; i < 50; i++)
        {
            Task<MqttAck> sent = _session.PublishAsync(Peers.Text("t", "x"), _longLived.Token);
            await link.SendAsync(BrokerPackets.PubAck((await link.NextAsync(PacketType.Publish)).PacketId));
            await sent.WaitAsync(Peers.Patience);
            // Ends before the call returns.
            await Assert.ThrowsAsync<MqttException>(() => _session.PublishAsync(new MqttMessage { Topic = "t", Payload = new byte[200] }, _longLived.Token));
        }
        Task<MqttAck> waiting = _session.PublishAsync(Peers.Text("t", "x"), _longLived.Token);

        Assert.Equal(1, Registrations(_longLived));
        await _session.DisposeAsync().AsTask().WaitAsync(Peers.Patience);
        await Assert.ThrowsAsync<MqttException>(() => waiting);
        Assert.Equal(0, Registrations(_longLived));
    }

    [Fact]
    public async Task What_is_given_up_again_and_again_while_there_is_no_link_takes_no_room()
    {
        List<WeakReference> payloads = [.. Enumerable.Range(0, 2000).Select(_ => PublishAndGiveUp())];
        Task<MqttAck> kept = _session.PublishAsync(Peers.Text("t", "kept"));

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        Assert.InRange(payloads.Count(payload => payload.IsAlive), 0, 200);
        await _session.StartAsync();
        ScriptedLink link = await _broker.AcceptAsync(sessionPresent: false);
        ClientPacket packet = await link.NextAsync(PacketType.Publish);
        Assert.Equal("kept", packet.Payload);
        await link.SendAsync(BrokerPackets.PubAck(packet.PacketId));
        Assert.True((await kept.WaitAsync(Peers.Patience)).IsSuccess);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference PublishAndGiveUp()
    {
        using CancellationTokenSource cancel = new();
        byte[] payload = new byte[100];
        Task<MqttAck> task = _session.PublishAsync(new MqttMessage { Topic = "t", Payload = payload }, cancel.Token);
        cancel.Cancel();
        Assert.True(task.IsCanceled);
        return new WeakReference(payload);
    }

    private async Task<ScriptedLink> ConnectAsync(params byte[][] properties)
    {
        Task connecting = _session.ConnectAsync(_longLived.Token);
        ScriptedLink link = await _broker.AcceptAsync(false, properties);
        await connecting.WaitAsync(Peers.Patience);
        return link;
    }

    /// <summary>There is no public way to count them; where the framework's fields change, the first test here says so.</summary>
    private static int Registrations(CancellationTokenSource source)
    {
        const BindingFlags Fields = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        object? list = typeof(CancellationTokenSource).GetField("_registrations", Fields)!.GetValue(source);
        int count = 0;
        for (object? node = list?.GetType().GetField("Callbacks", Fields)!.GetValue(list); node is not null; node = node.GetType().GetField("Next", Fields)!.GetValue(node))
        {
            count++;
        }
        return count;
    }
}
