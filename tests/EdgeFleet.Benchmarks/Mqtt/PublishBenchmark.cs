using System.Diagnostics;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Benchmarks.Mqtt;

/// <summary>
/// QoS 1 publishes per second through one mosquitto, ours and libmosquitto's in turns, and what an idle session costs. The broker
/// has one thread, and both clients share this machine with it: the ratio says how the clients compare, the rates what a machine
/// like this one does.
/// </summary>
internal static class PublishBenchmark
{
    private const int Rounds = 9;
    private const int Window = 100;
    private const int PayloadBytes = 128;
    private const string Topic = "bench/publish";

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Lines = [$"max_inflight_messages {Window}"] });
        // The sessions keep to the broker's window by themselves; some more wait in them, so that the link never starves.
        return
        [
            .. await CompareAsync(broker, 60_000, 10 * Window, $"{Window} in flight", cancellationToken),
            .. await CompareAsync(broker, 10_000, 1, "one by one", cancellationToken),
            .. await IdleSessions.MeasureAsync(cancellationToken),
        ];
    }

    private static async Task<IReadOnlyList<BenchFigure>> CompareAsync(
        MosquittoBroker broker, int messages, int ahead, string name, CancellationToken cancellationToken)
    {
        await using MqttSession session = new(new MqttSessionOptions { Host = broker.Host, Port = broker.Port, ClientId = $"bench-{ahead}" });
        await session.ConnectAsync(cancellationToken);
        using ForeignPublisher foreign = new(broker.Host, broker.Port);
        Func<Task> ours = () => PublishAsync(session, messages, ahead, cancellationToken);
        Func<Task> theirs = () => Task.Run(() => foreign.Publish(Topic, new byte[PayloadBytes], messages, ahead), cancellationToken);

        await ours(); // the compiler's turn
        await theirs();
        List<Cost> our = [], their = [];
        for (int round = 0; round < Rounds; round++)
        {
            // Whoever goes first finds the caches of the other, so they swap.
            if (round % 2 == 0)
            {
                our.Add(await MeasureAsync(ours));
                their.Add(await MeasureAsync(theirs));
            }
            else
            {
                their.Add(await MeasureAsync(theirs));
                our.Add(await MeasureAsync(ours));
            }
        }
        double[] ratios = [.. our.Zip(their, (a, b) => b.Seconds / a.Seconds)];
        string source = $"median of {Rounds} rounds taken in turns, {messages} messages of {PayloadBytes} bytes without a subscriber, plain TCP on loopback; "
            + "both clients in this process, the broker beside it";
        return
        [
            new($"QoS 1 publishes, {name}: ours / libmosquitto", Median(ratios), "ratio", null, true, source),
            new($"QoS 1 publishes, {name}: worst round", ratios.Min(), "ratio", null, true, source),
            new($"QoS 1 publishes, {name}: ours", messages / Median(our.Select(cost => cost.Seconds)), "1/s", null, true, source),
            new($"QoS 1 publishes, {name}: libmosquitto", messages / Median(their.Select(cost => cost.Seconds)), "1/s", null, true, source),
            new($"client CPU per publish, {name}: ours", Median(our.Select(cost => cost.CpuSeconds)) / messages * 1e6, "us", null, true, source),
            new($"client CPU per publish, {name}: libmosquitto", Median(their.Select(cost => cost.CpuSeconds)) / messages * 1e6, "us", null, true, source),
        ];
    }

    private static async Task PublishAsync(MqttSession session, int messages, int ahead, CancellationToken cancellationToken)
    {
        MqttMessage message = new() { Topic = Topic, Payload = new byte[PayloadBytes] };
        Queue<Task<MqttAck>> pending = new();
        for (int i = 0; i < messages; i++)
        {
            pending.Enqueue(session.PublishAsync(message, cancellationToken));
            if (pending.Count == ahead)
            {
                Require(await pending.Dequeue());
            }
        }
        while (pending.TryDequeue(out Task<MqttAck>? publish))
        {
            Require(await publish);
        }
    }

    private static void Require(MqttAck ack)
    {
        if (!ack.IsSuccess)
        {
            throw new InvalidOperationException($"the broker refused a publish: {ack}");
        }
    }

    private static async Task<Cost> MeasureAsync(Func<Task> publish)
    {
        using Process self = Process.GetCurrentProcess();
        TimeSpan cpu = self.TotalProcessorTime;
        long began = Stopwatch.GetTimestamp();
        await publish();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        self.Refresh();
        return new Cost(seconds, (self.TotalProcessorTime - cpu).TotalSeconds);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private readonly record struct Cost(double Seconds, double CpuSeconds);
}
