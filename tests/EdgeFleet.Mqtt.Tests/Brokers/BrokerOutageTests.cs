using System.Collections.Concurrent;
using System.Threading.Channels;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

public sealed class BrokerOutageTests
{
    [Fact]
    public async Task A_kept_session_gets_what_was_published_while_it_was_away()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        MqttSessionOptions options = Peers.Options(broker, "sleeper");
        await using (MqttSession before = await Peers.ConnectAsync(options))
        {
            await before.ListenAsync("q/#");
        }
        await using MqttSession publisher = await Peers.ConnectAsync(Peers.Options(broker, "publisher"));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => publisher.PublishAsync(Peers.Text($"q/{i}", $"{i}"))));

        List<bool> sessionPresent = [];
        await using MqttSession after = new(options with { OnConnected = (connected, _) => { sessionPresent.Add(connected.SessionPresent); return Task.CompletedTask; } });
        // Before connecting: the broker sends what it has queued at once.
        Task<ChannelReader<MqttReceivedMessage>> listening = after.ListenAsync("q/#");
        Channel<MqttReceivedMessage> early = Channel.CreateUnbounded<MqttReceivedMessage>();
        Task<MqttQos> registered = after.SubscribeAsync("q/#", MqttQos.AtLeastOnce, (message, _) => { early.Writer.TryWrite(message); return Task.CompletedTask; });
        await Assert.ThrowsAsync<MqttException>(() => listening);
        await after.ConnectAsync();

        Assert.Equal(MqttQos.AtLeastOnce, await registered);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal($"{i}", (await early.Reader.NextAsync()).Text());
        }
        Assert.Equal([true], sessionPresent);
    }

    [Fact]
    public async Task A_session_is_kept_until_its_expiry_and_not_longer()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        foreach ((string id, TimeSpan expiry) in ((string, TimeSpan)[])[("none", TimeSpan.Zero), ("short", TimeSpan.FromSeconds(1)), ("long", TimeSpan.FromHours(1))])
        {
            Assert.False(await ConnectAndLeaveAsync(broker, id, expiry));
        }
        // When it looks is the broker's affair.
        await broker.WaitForLogAsync("Expiring client short");

        Assert.False(await ConnectAndLeaveAsync(broker, "none", TimeSpan.Zero));
        Assert.False(await ConnectAndLeaveAsync(broker, "short", TimeSpan.FromSeconds(1)));
        Assert.True(await ConnectAndLeaveAsync(broker, "long", TimeSpan.FromHours(1)));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_broker_that_is_stopped_and_started_gets_the_subscriptions_back_by_itself(bool keepsSessionsOnDisk)
    {
        // mosquitto keeps a session on disk without its shared subscriptions, and says that the session is present.
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Persistent = keepsSessionsOnDisk });
        Channel<bool> sessionPresent = Channel.CreateUnbounded<bool>();
        Channel<MqttDisconnected> ends = Channel.CreateUnbounded<MqttDisconnected>();
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(broker, "stayer") with
        {
            OnConnected = async (connected, token) => await sessionPresent.Writer.WriteAsync(connected.SessionPresent, token),
            OnDisconnected = async (end, token) => await ends.Writer.WriteAsync(end, token),
        });
        ChannelReader<MqttReceivedMessage> messages = await session.ListenAsync("$share/g/a/#");
        Assert.False(await sessionPresent.Reader.NextAsync());

        await broker.StopAsync();
        MqttDisconnected end = await ends.Reader.NextAsync();
        await broker.StartAgainAsync();
        Assert.Equal(keepsSessionsOnDisk, await sessionPresent.Reader.NextAsync());
        MqttAck ack = await session.PublishAsync(Peers.Text("a/b", "again"));

        Assert.Equal(MqttDisconnectCause.BrokerClosed, end.Cause);
        Assert.NotNull(end.RetryIn);
        Assert.Equal(MqttReasonCode.Success, ack.ReasonCode);
        Assert.Equal("again", (await messages.NextAsync()).Text());
    }

    /// <summary>
    /// Accounting over the worst that can happen to a broker. Each message must be received, or have been acknowledged by the broker
    /// that then died with it, or have been acknowledged with "nobody subscribes" before the subscriber was back.
    /// </summary>
    [Theory]
    [InlineData(false, 3)]
    [InlineData(true, 4)]
    public async Task Every_publish_completes_over_broker_deaths_and_every_message_is_accounted_for(bool cleanStop, int deaths)
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Persistent = true });
        await using MqttSession subscriber = await Peers.ConnectAsync(Peers.Options(broker, "subscriber"));
        ConcurrentDictionary<int, int> received = new();
        await subscriber.SubscribeAsync("n/#", MqttQos.AtLeastOnce, (message, _) =>
        {
            received.AddOrUpdate(int.Parse(message.Text()), 1, (_, count) => count + 1);
            return Task.CompletedTask;
        });
        await using MqttSession publisher = await Peers.ConnectAsync(Peers.Options(broker, "publisher"));
        ConcurrentDictionary<int, MqttAck> acknowledged = new();
        long linksBefore = 0;
        int next = 0;
        int died = 0;
        Milestone flowing = new();

        async Task PublishAllAsync()
        {
            while (Volatile.Read(ref died) < deaths || Volatile.Read(ref next) < 2000)
            {
                int number = Interlocked.Increment(ref next);
                flowing.Reached(number);
                acknowledged[number] = await publisher.PublishAsync(Peers.Text($"n/{number}", $"{number}"));
            }
        }

        Task[] publishers = [.. Enumerable.Range(0, 50).Select(_ => PublishAllAsync())];
        for (int death = 0; death < deaths; death++)
        {
            // Traffic must be flowing at the moment of death.
            await flowing.WaitAsync(Volatile.Read(ref next) + 300);
            await (cleanStop ? broker.StopAsync() : broker.KillAsync());
            linksBefore = publisher.Counters.Connects;
            await broker.StartAgainAsync();
            Interlocked.Increment(ref died);
        }
        await Task.WhenAll(publishers).WaitAsync(Peers.Patience);

        // A last message marks the end of what this broker has for the subscriber.
        TaskCompletionSource marked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await subscriber.SubscribeAsync("mark", MqttQos.AtLeastOnce, (_, _) => { marked.TrySetResult(); return Task.CompletedTask; });
        await publisher.PublishAsync(Peers.Text("mark", ""));
        await marked.Task.WaitAsync(Peers.Patience);

        Assert.Equal(next, acknowledged.Count);
        Assert.All(acknowledged.Values, ack => Assert.True(ack.IsSuccess, ack.ToString()));
        int[] unaccounted = [.. acknowledged.Where(ack => !received.ContainsKey(ack.Key)
            && ack.Value.ReasonCode == MqttReasonCode.Success && ack.Value.Link > linksBefore).Select(ack => ack.Key)];
        Assert.Empty(unaccounted);
        Assert.True(publisher.Counters.Resent > 0, "no death hit a publish in flight");
    }

    /// <summary>Whether the broker had the session.</summary>
    private static async Task<bool> ConnectAndLeaveAsync(MosquittoBroker broker, string clientId, TimeSpan expiry)
    {
        TaskCompletionSource<bool> present = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using MqttSession session = await Peers.ConnectAsync(Peers.Options(broker, clientId) with
        {
            SessionExpiry = expiry,
            OnConnected = (connected, _) =>
            {
                present.TrySetResult(connected.SessionPresent);
                return Task.CompletedTask;
            },
        });
        await session.ListenAsync("q/#");
        return await present.Task.WaitAsync(Peers.Patience);
    }
}
