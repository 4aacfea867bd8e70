using System.Collections.Concurrent;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>Everything at once at a real broker: links of both ends cut under load, and handlers that fail now and then.</summary>
public sealed class HardTimesTests
{
    private const int Messages = 3000;
    private const int InFlight = 40;
    private const int Step = 250;

    private readonly ConcurrentQueue<int> _succeeded = new();
    private readonly ConcurrentDictionary<int, bool> _different = new();
    private readonly ConcurrentDictionary<int, bool> _failed = new();
    private readonly Milestone _published = new();
    private readonly Milestone _handled = new();

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Cut_links_and_failing_handlers_lose_nothing_and_one_by_one_keep_the_order(int concurrency)
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        (long resent, long handlersFailed) = await RunAsync(broker, MqttQos.AtLeastOnce, concurrency, _ => _handled.WaitAsync(Messages));

        int[] inOrder = [.. _succeeded.Distinct()];
        Assert.Equal(Enumerable.Range(1, Messages), concurrency == 1 ? inOrder : inOrder.Order());
        Assert.Equal(Messages / Step, handlersFailed);
        Assert.True(resent > 0, "no cut hit a publish in flight");
    }

    [Fact]
    public async Task At_qos_0_the_same_times_lose_messages()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        // An answer of the broker behind all that it has for the subscriber.
        await RunAsync(broker, MqttQos.AtMostOnce, 1, subscriber => subscriber.PublishAsync(Peers.Text("elsewhere", "x")).WaitAsync(Peers.Patience));

        Assert.NotEmpty(_failed);
        Assert.DoesNotContain(_failed.Keys, _different.ContainsKey);
    }

    private async Task<(long Resent, long HandlersFailed)> RunAsync(MosquittoBroker broker, MqttQos qos, int concurrency, Func<MqttSession, Task> done)
    {
        await using LinkCutter toSubscriber = await LinkCutter.StartAsync(broker.Host, broker.Port);
        await using LinkCutter toPublisher = await LinkCutter.StartAsync(broker.Host, broker.Port);
        await using MqttSession subscriber = await Peers.ConnectAsync(Peers.Options(broker, "subscriber") with
        {
            Port = toSubscriber.Port,
            ReceiveMaximum = 16,
            HandlerConcurrency = concurrency,
        });
        await subscriber.SubscribeAsync("n", qos, HandleAsync);
        await using MqttSession publisher = await Peers.ConnectAsync(Peers.Options(broker, "publisher") with { Port = toPublisher.Port });

        Task cutting = CutAsync();
        Queue<Task<MqttAck>> pending = new();
        for (int number = 1; number <= Messages; number++)
        {
            pending.Enqueue(publisher.PublishAsync(Peers.Text("n", $"{number}")));
            _published.Reached(number);
            if (pending.Count == InFlight)
            {
                Assert.True((await pending.Dequeue().WaitAsync(Peers.Patience)).IsSuccess);
            }
        }
        await Task.WhenAll(pending).WaitAsync(Peers.Patience);
        await cutting;
        await done(subscriber);
        return (publisher.Counters.Resent, subscriber.Counters.HandlersFailed);

        async Task CutAsync()
        {
            for (int number = Step; number < Messages; number += Step)
            {
                await _published.WaitAsync(number);
                (number % (2 * Step) == 0 ? toSubscriber : toPublisher).CutAll();
            }
        }
    }

    private async Task HandleAsync(MqttReceivedMessage message, CancellationToken token)
    {
        await Task.Yield();
        int number = int.Parse(message.Text());
        // Each of these fails the first time that it is tried.
        if (number % Step == 100 && _failed.TryAdd(number, true))
        {
            throw new IOException("disk full");
        }
        _succeeded.Enqueue(number);
        _different.TryAdd(number, true);
        _handled.Reached(_different.Count);
    }
}
