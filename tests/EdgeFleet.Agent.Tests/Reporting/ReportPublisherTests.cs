using System.Collections.Concurrent;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Reporting;

/// <summary>From the outbox to a controller, over a broker that comes, goes, and loses what it acknowledged.</summary>
public sealed class ReportPublisherTests
{
    [Fact]
    public async Task Every_report_arrives_in_the_end_first_times_in_order_however_the_broker_behaves()
    {
        int lost = 0, again = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            (int lostHere, int againHere) = await WalkAsync(seed);
            (lost, again) = (lost + lostHere, again + againHere);
        }
        // The control of the rig: it lost reports, and they came a second time.
        Assert.True(lost > 30 && again > 30, $"{lost} lost and {again} sent again");
    }

    [Fact]
    public async Task What_the_broker_took_while_nobody_listened_is_sent_again_within_seconds()
    {
        ManualTimeProvider time = new();
        SimulatedDisk disk = new();
        StateFolder state = new(DeviceRig.Root, disk);
        state.Prepare();
        Topics topics = new("default", "device-1");
        using Outbox outbox = Outbox.Open(disk, state.Outbox, topics.Event("gap"), new OutboxOptions(), time, NullLogger<Outbox>.Instance);
        outbox.Append(ReportClass.Evidence, topics.Event("x"), false, new Wire.EventReport { Subject = "unheard" });
        outbox.Flush();
        PublisherOptions options = new();
        TaskCompletionSource delivered = new(TaskCreationOptions.RunContinuationsAsynchronously), hurried = new(TaskCreationOptions.RunContinuationsAsynchronously);
        LossyBroker? broker = null;
        EnrollmentDocument identity = new() { DeviceId = "device-1", Tenant = "default", Endpoints = new EnrolledEndpoints("", ""), RootPin = "", ReleaseKeys = [] };
        ReportPublisher publisher = new(
            outbox, identity, topics, new PresenceEpoch(state, time), address => new MqttSessionOptions { Host = address.Host, ClientId = "device-1" },
            settings => broker = new LossyBroker(settings, static _ => false, message => _ = message.Topic == topics.Presence || delivered.TrySetResult()) { NobodyListens = true },
            options, new TimerWatch(time, options.ResendUnheard, hurried), NullLogger<ReportPublisher>.Instance);
        using CancellationTokenSource stop = new();
        Task running = publisher.RunAsync(stop.Token);
        publisher.Use(new BrokerAddress("127.0.0.1", 8883));

        await hurried.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(delivered.Task.IsCompleted);
        broker!.NobodyListens = false;
        time.Advance(options.ResendUnheard);

        await delivered.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Each_deployment_that_was_replaced_is_forgotten_by_the_broker_and_only_when_nothing_of_it_can_come_again()
    {
        ManualTimeProvider time = new();
        SimulatedDisk disk = new();
        StateFolder state = new(DeviceRig.Root, disk);
        state.Prepare();
        Topics topics = new("default", "device-1");
        using Outbox outbox = Outbox.Open(disk, state.Outbox, topics.Event("gap"), new OutboxOptions(), time, NullLogger<Outbox>.Instance);
        PublisherOptions options = new();
        ConcurrentQueue<(string Topic, bool Empty)> delivered = [];
        SemaphoreSlim arrived = new(0);
        EnrollmentDocument identity = new() { DeviceId = "device-1", Tenant = "default", Endpoints = new EnrolledEndpoints("", ""), RootPin = "", ReleaseKeys = [] };
        ReportPublisher publisher = new(
            outbox, identity, topics, new PresenceEpoch(state, time), address => new MqttSessionOptions { Host = address.Host, ClientId = "device-1" },
            settings => new LossyBroker(settings, static _ => false, message =>
            {
                if (message.Topic != topics.Presence)
                {
                    delivered.Enqueue((message.Topic, message.Payload.IsEmpty));
                    arrived.Release();
                }
            }),
            options, time, NullLogger<ReportPublisher>.Instance);
        string[] ids = ["fashion-r1", "fashion-r2", "fashion-r3"];
        for (int i = 0; i < ids.Length; i++)
        {
            outbox.Append(ReportClass.State, topics.Deployment(ids[i]), true, new Wire.DeploymentReport { Model = "fashion" });
            outbox.Flush();
            publisher.Archive(i == 0 ? "" : ids[i - 1], ids[i]);
        }
        using CancellationTokenSource stop = new();
        Task running = publisher.RunAsync(stop.Token);
        publisher.Use(new BrokerAddress("127.0.0.1", 8883));
        async Task ArrivedAsync(int count)
        {
            for (; count > 0; count--)
            {
                Assert.True(await arrived.WaitAsync(TimeSpan.FromSeconds(20)));
            }
        }

        await ArrivedAsync(3);
        // Nobody has acknowledged them, so they are sent again; had the broker forgotten them by now, it would have them for ever.
        time.Advance(options.ResendAfter);
        await ArrivedAsync(3);
        Assert.All(delivered, message => Assert.False(message.Empty));

        outbox.Acknowledge(outbox.Boot, outbox.LastSeq);
        time.Advance(options.ResendAfter);
        await ArrivedAsync(2);
        Assert.Equal(ids[..2].Select(topics.Deployment), delivered.Where(message => message.Empty).Select(message => message.Topic));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(8, delivered.Count);
    }

    /// <summary>Says when somebody begins to wait for a given time.</summary>
    private sealed class TimerWatch(TimeProvider inner, TimeSpan awaited, TaskCompletionSource seen) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override long GetTimestamp() => inner.GetTimestamp();

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = inner.CreateTimer(callback, state, dueTime, period);
            if (dueTime == awaited)
            {
                seen.TrySetResult();
            }
            return timer;
        }
    }

    private static async Task<(int Lost, int Again)> WalkAsync(int seed)
    {
        Random random = new(seed);
        ManualTimeProvider time = new();
        SimulatedDisk disk = new();
        StateFolder state = new(DeviceRig.Root, disk);
        state.Prepare();
        Topics topics = new("default", "device-1");
        using Outbox outbox = Outbox.Open(disk, state.Outbox, topics.Event("gap"), new OutboxOptions(), time, NullLogger<Outbox>.Instance);
        Lock gate = new();
        Random faults = new(seed + 1000);
        bool faulty = true;
        HashSet<long> arrived = [];
        long highest = 0, contiguous = 0;
        int lost = 0, again = 0;
        List<string> wrong = [];
        TaskCompletionSource progress = new(TaskCreationOptions.RunContinuationsAsynchronously);
        LossyBroker? broker = null;
        Task running = Task.CompletedTask;
        PublisherOptions options = new() { InFlight = 4, Batch = 7 };
        EnrollmentDocument identity = new() { DeviceId = "device-1", Tenant = "default", Endpoints = new EnrolledEndpoints("", ""), RootPin = "", ReleaseKeys = [] };
        ReportPublisher publisher = new(
            outbox, identity, topics, new PresenceEpoch(state, time), address => new MqttSessionOptions { Host = address.Host, ClientId = "device-1" },
            settings => broker = new LossyBroker(settings, Loses, Deliver), options, time, NullLogger<ReportPublisher>.Instance);

        bool Loses(MqttMessage message)
        {
            lock (gate)
            {
                if (message.Topic == topics.Presence)
                {
                    return true;
                }
                long seq = (long)Wire.EventReport.Parser.ParseFrom(message.Payload.Span).Header.Seq;
                if (seq > highest + 1)
                {
                    wrong.Add($"report {seq} was sent and {highest + 1} never before");
                }
                again += seq <= highest ? 1 : 0;
                highest = Math.Max(highest, seq);
                progress.TrySetResult();
                progress = new(TaskCreationOptions.RunContinuationsAsynchronously);
                bool loses = faulty && faults.Next(5) == 0;
                lost += loses ? 1 : 0;
                return loses;
            }
        }

        void Deliver(MqttMessage message)
        {
            lock (gate)
            {
                arrived.Add((long)Wire.EventReport.Parser.ParseFrom(message.Payload.Span).Header.Seq);
                while (arrived.Contains(contiguous + 1))
                {
                    contiguous++;
                }
                progress.TrySetResult();
                progress = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        async Task UntilAsync(Func<bool> reached)
        {
            while (true)
            {
                Task moved;
                lock (gate)
                {
                    if (reached())
                    {
                        return;
                    }
                    moved = progress.Task;
                }
                await Task.WhenAny(moved, running).WaitAsync(TimeSpan.FromSeconds(20));
            }
        }

        using CancellationTokenSource stop = new();
        TaskCompletionSource greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        publisher.Connected += () => greeted.TrySetResult();
        running = publisher.RunAsync(stop.Token);
        publisher.Use(new BrokerAddress("127.0.0.1", 8883));
        await greeted.Task.WaitAsync(TimeSpan.FromSeconds(20));
        for (int step = 0; step < 40; step++)
        {
            switch (random.Next(6))
            {
                case 0: broker!.Cut(); break;
                case 1 when !broker!.IsConnected: await broker.ConnectAsync(); break;
                case 2: time.Advance(options.ResendAfter); break;
                case 3: lock (gate) { outbox.Acknowledge(outbox.Boot, contiguous); } break;
                default:
                    for (int i = random.Next(1, 6); i > 0; i--)
                    {
                        outbox.Append(ReportClass.Evidence, topics.Event("x"), false, new Wire.EventReport { Subject = $"{step}" });
                    }
                    outbox.Flush();
                    if (broker!.IsConnected && random.Next(2) == 0)
                    {
                        // Otherwise a busy machine lets the whole walk pass before the first report is sent.
                        await UntilAsync(() => highest == outbox.LastSeq);
                    }
                    break;
            }
        }
        lock (gate)
        {
            faulty = false;
        }
        // What was lost is sent again, at the latest with the next connect.
        broker!.Cut();
        await broker.ConnectAsync();
        await UntilAsync(() => contiguous == outbox.LastSeq);
        outbox.Acknowledge(outbox.Boot, contiguous);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.Empty(wrong);
        Assert.Equal(0, outbox.Count);
        // And one more for each time that the session says hello.
        Assert.InRange(broker.MostWaiting, 0, options.InFlight + 1);
        return (lost, again);
    }
}
