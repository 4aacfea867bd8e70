using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Broker;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing.Time;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Tests.Broker;

public sealed class SupervisionTests : IAsyncLifetime
{
    private const string Topic = "edgefleet/v1/acme/device-a/event/x";

    private readonly BrokerFleet _fleet = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _fleet.DisposeAsync();

    [Fact]
    public async Task A_killed_broker_is_back_on_its_port_and_sessions_go_on_by_themselves()
    {
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        MqttSession controller = await _fleet.ConnectAsync(broker, BrokerFleet.ControllerName);
        int received = 0;
        await controller.SubscribeAsync("edgefleet/v1/#", MqttQos.AtLeastOnce, (_, _) => { Interlocked.Increment(ref received); return Task.CompletedTask; });
        HashSet<int> processes = [];

        for (int death = 0; death < 3; death++)
        {
            Assert.True(processes.Add(broker.ProcessId!.Value));
            RevocationTests.Kill(broker);
            MqttAck ack = await device.PublishAsync(BrokerFleet.Text(Topic)).WaitAsync(BrokerFleet.Patience);
            Assert.True(ack.IsSuccess);
        }

        Assert.Equal(4, device.Counters.Connects);
        Assert.False(broker.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_broker_that_ended_in_order_and_came_back_with_its_sessions_delivers_to_the_controller_again()
    {
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        MqttSession controller = await _fleet.ConnectAsync(broker, BrokerFleet.ControllerName);
        TaskCompletionSource<MqttReceivedMessage> received = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await controller.SubscribeAsync("$share/ingest/edgefleet/v1/#", MqttQos.AtLeastOnce, (message, _) => { received.TrySetResult(message); return Task.CompletedTask; });

        // It saves its sessions when it is told to end; a shared subscription is not among what it saves.
        Assert.True(ProcessSignals.TrySend(broker.ProcessId!.Value, ProcessSignal.Terminate));
        await SpinUntilAsync(() => controller.Counters.Connects == 2 && device.Counters.Connects == 2);
        using CancellationTokenSource limit = new(BrokerFleet.Patience);
        // Nobody listens until the controller's subscription is through.
        while (!received.Task.IsCompleted && (await device.PublishAsync(BrokerFleet.Text(Topic), limit.Token)).ReasonCode == MqttReasonCode.NoMatchingSubscribers)
        {
            await Task.Delay(10, limit.Token);
        }

        Assert.Equal(Topic, (await received.Task.WaitAsync(BrokerFleet.Patience)).Topic);

        static async Task SpinUntilAsync(Func<bool> reached)
        {
            using CancellationTokenSource patience = new(BrokerFleet.Patience);
            while (!reached())
            {
                await Task.Delay(10, patience.Token);
            }
        }
    }

    [Fact]
    public async Task A_stopped_broker_leaves_no_process_and_keeps_retained_messages_and_its_port_for_the_next()
    {
        EmbeddedBroker first = await _fleet.StartAsync();
        int port = first.Endpoint.Port;
        int process = first.ProcessId!.Value;
        await using (MqttSession device = await _fleet.ConnectAsync(first, "device-a"))
        {
            await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/reported", "state", retain: true));
        }

        await first.DisposeAsync();
        Assert.Null(BrokerRecord.Of(process));
        EmbeddedBroker second = await _fleet.StartAsync();

        Assert.Equal(port, second.Endpoint.Port);
        MqttSession controller = await _fleet.ConnectAsync(second, BrokerFleet.ControllerName);
        Assert.Equal("edgefleet/v1/acme/device-a/reported state", await TopicAccessTests.NextAsync(await TopicAccessTests.ListenAsync(controller, "edgefleet/v1/#")));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(20)]
    public async Task Saved_sessions_that_cannot_be_read_are_moved_aside(int bytes)
    {
        Directory.CreateDirectory(_fleet.Options.Folder);
        byte[] garbage = new byte[bytes];
        new Random(bytes).NextBytes(garbage);
        string saved = Path.Join(_fleet.Options.Folder, "mosquitto.db");
        await File.WriteAllBytesAsync(saved, garbage);

        EmbeddedBroker broker = await _fleet.StartAsync();

        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        Assert.True((await device.PublishAsync(BrokerFleet.Text(Topic))).IsSuccess);
        Assert.Equal(garbage, await File.ReadAllBytesAsync($"{saved}.unreadable"));
    }

    [Fact]
    public async Task Saved_sessions_that_were_cut_short_while_the_broker_was_dead_are_moved_aside_too()
    {
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        string saved = Path.Join(_fleet.Options.Folder, "mosquitto.db");

        // Planted while it runs, found when it is started again after its death.
        await File.WriteAllTextAsync(saved, "not a database");
        RevocationTests.Kill(broker);

        Assert.True((await device.PublishAsync(BrokerFleet.Text(Topic)).WaitAsync(BrokerFleet.Patience)).IsSuccess);
        Assert.True(File.Exists($"{saved}.unreadable"));
    }

    [Fact]
    public async Task A_broker_that_an_earlier_controller_left_running_is_ended_first()
    {
        EmbeddedBroker earlier = await _fleet.StartAsync();
        int port = earlier.Endpoint.Port;
        await earlier.DisposeAsync();
        using Process orphan = Process.Start(new ProcessStartInfo(BrokerProcess.Find(), ["-c", Path.Join(_fleet.Options.Folder, "mosquitto.conf")]) { RedirectStandardError = true })!;
        BrokerRecord.Of(orphan.Id)!.Save(Path.Join(_fleet.Options.Folder, "process.json"));

        EmbeddedBroker next = await _fleet.StartAsync();

        await orphan.WaitForExitAsync().WaitAsync(BrokerFleet.Patience);
        Assert.Equal(port, next.Endpoint.Port);
        MqttSession device = await _fleet.ConnectAsync(next, "device-a");
        Assert.True((await device.PublishAsync(BrokerFleet.Text(Topic))).IsSuccess);
    }

    [Fact]
    public async Task A_process_that_got_the_number_of_an_earlier_broker_is_left_alone()
    {
        using Process stranger = Process.Start(new ProcessStartInfo("sleep", ["60"]))!;
        try
        {
            Directory.CreateDirectory(_fleet.Options.Folder);
            BrokerRecord record = BrokerRecord.Of(stranger.Id)!;
            (record with { StartTicks = record.StartTicks - 1 }).Save(Path.Join(_fleet.Options.Folder, "process.json"));

            await _fleet.StartAsync();

            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public async Task The_broker_ends_when_whoever_started_it_is_killed()
    {
        EmbeddedBroker configured = await _fleet.StartAsync();
        int port = configured.Endpoint.Port;
        await configured.DisposeAsync();
        (string file, string[] arguments) = BrokerProcess.Command(BrokerProcess.Find(), Path.Join(_fleet.Options.Folder, "mosquitto.conf"));
        using Process parent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "\"$@\" & echo $!; wait", "sh", file, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        int broker = int.Parse((await parent.StandardOutput.ReadLineAsync())!);
        while (await parent.StandardError.ReadLineAsync() is { } line && !line.EndsWith(" running", StringComparison.Ordinal))
        {
            // Until it has its listener and has dropped what rights it drops.
        }
        BrokerRecord record = BrokerRecord.Of(broker)!;
        // mosquitto says that it runs before it enters its loop, and forgets a signal that comes in between: whoever answers is in it.
        using (TcpClient probe = new())
        {
            await probe.ConnectAsync("127.0.0.1", port);
            await probe.GetStream().WriteAsync(new byte[64]);
            try
            {
                while (await probe.GetStream().ReadAsync(new byte[64]) > 0)
                {
                }
            }
            catch (IOException)
            {
                // Reset instead of closed: an answer too.
            }
        }

        parent.Kill();

        long began = Stopwatch.GetTimestamp();
        while (record.IsRunning)
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < BrokerFleet.Patience, "the broker outlived its parent");
            await Task.Delay(5);
        }
    }

    [Fact]
    public async Task A_broker_drops_what_it_has_acknowledged_when_a_slow_subscriber_has_too_much_waiting()
    {
        // Why a report counts only when the controller has acknowledged it, and why a device sends it again until then.
        _fleet.Options = _fleet.Options with { MaximumInFlightMessages = 5, MaximumQueuedMessages = 10 };
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        MqttSession controller = await _fleet.ConnectAsync(_fleet.SessionOptions(broker, BrokerFleet.ControllerName) with { ReceiveMaximum = 5, HandlerConcurrency = 5 });
        TaskCompletionSource slow = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int received = 0;
        await controller.SubscribeAsync(Topic, MqttQos.AtLeastOnce, async (_, _) =>
        {
            await slow.Task;
            Interlocked.Increment(ref received);
        });
        await controller.SubscribeAsync("edgefleet/v1/acme/device-a/event/last", MqttQos.AtLeastOnce, (_, _) => { drained.TrySetResult(); return Task.CompletedTask; });

        MqttAck[] acks = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => device.PublishAsync(BrokerFleet.Text(Topic, $"{i}"))));
        slow.SetResult();
        while (!drained.Task.IsCompleted)
        {
            // The marker, too, may be dropped while the others still wait.
            await device.PublishAsync(BrokerFleet.Text("edgefleet/v1/acme/device-a/event/last"));
        }

        Assert.All(acks, ack => Assert.True(ack.IsSuccess));
        Assert.InRange(Volatile.Read(ref received), 5, 30);
    }

    [Fact]
    public async Task A_broker_that_hangs_is_killed_and_another_answers_on_its_port()
    {
        PemIdentity probe = _fleet.Identity("edgefleet.probe");
        _fleet.Options = _fleet.Options with { ProbeEvery = TimeSpan.FromMilliseconds(50), ProbeTimeout = TimeSpan.FromSeconds(2), ProbeIdentity = () => probe.Context };
        EmbeddedBroker broker = await _fleet.StartAsync();
        MqttSession device = await _fleet.ConnectAsync(broker, "device-a");
        int hung = broker.ProcessId!.Value;

        await SignalAsync("STOP", hung);
        MqttAck ack = await device.PublishAsync(BrokerFleet.Text(Topic)).WaitAsync(BrokerFleet.Patience);

        Assert.True(ack.IsSuccess);
        Assert.NotEqual(hung, broker.ProcessId);
        Assert.False(broker.Completion.IsCompleted);
    }

    [Fact]
    public async Task Without_the_probe_a_broker_that_hangs_stays_and_only_the_probe_can_tell()
    {
        // The negative control: it has not ended and its port takes links, so nothing else would ever notice.
        EmbeddedBroker broker = await _fleet.StartAsync();
        int hung = broker.ProcessId!.Value;
        Assert.True(await AnswersAsync(broker, TimeSpan.FromSeconds(30)));

        await SignalAsync("STOP", hung);
        using (TcpClient link = new())
        {
            await link.ConnectAsync(IPAddress.Loopback, broker.Endpoint.Port);
        }
        Assert.False(await AnswersAsync(broker, TimeSpan.FromSeconds(1)));
        Assert.Equal(hung, broker.ProcessId);

        await SignalAsync("CONT", hung);
        Assert.True(await AnswersAsync(broker, TimeSpan.FromSeconds(30)));
        Assert.Equal(hung, broker.ProcessId);
    }

    private static Task<bool> AnswersAsync(EmbeddedBroker broker, TimeSpan limit) =>
        BrokerProbe.AnswersAsync(IPAddress.Loopback, broker.Endpoint.Port, null, limit, TimeProvider.System, CancellationToken.None);

    private static async Task SignalAsync(string signal, int process)
    {
        using Process kill = Process.Start(new ProcessStartInfo("/bin/kill", [$"-{signal}", $"{process}"]))!;
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("0.0.0.0")]
    [InlineData("127.0.0.2")]
    public async Task The_broker_starts_on_the_address_that_it_is_given(string? address)
    {
        _fleet.Options = _fleet.Options with { BindAddress = address };

        EmbeddedBroker broker = await _fleet.StartAsync();

        using TcpClient client = new();
        await client.ConnectAsync(address is null or "0.0.0.0" ? "127.0.0.1" : address, broker.Endpoint.Port);
        Assert.True(client.Connected);
    }

    [Fact]
    public async Task A_taken_port_is_named_in_the_error()
    {
        using TcpListener squatter = new(IPAddress.Loopback, 0);
        squatter.Start();
        int port = ((IPEndPoint)squatter.LocalEndpoint).Port;
        _fleet.Options = _fleet.Options with { Port = port, StartTimeout = TimeSpan.FromMilliseconds(500) };
        EmbeddedBroker broker = _fleet.NewBroker();

        IOException refused = await Assert.ThrowsAsync<IOException>(() => broker.StartAsync());

        Assert.Contains($"on port {port}", refused.Message);
        Assert.Contains("Address already in use", refused.Message);
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_is_an_error_in_mosquittos_own_words()
    {
        _fleet.Options = _fleet.Options with { WriteIdentity = () => (_fleet.Path("root.pem"), _fleet.Path("absent.key")), StartTimeout = TimeSpan.FromSeconds(30) };
        EmbeddedBroker broker = _fleet.NewBroker();

        IOException refused = await Assert.ThrowsAsync<IOException>(() => broker.StartAsync());

        Assert.Contains("absent.key", refused.Message);
    }

    [Fact]
    public async Task The_certificate_is_renewed_in_time_and_shown_to_new_links_while_old_ones_go_on()
    {
        ManualTimeProvider time = new();
        await using BrokerFleet fleet = new() { Time = time };
        EmbeddedBroker broker = await fleet.StartAsync();
        MqttSession device = await fleet.ConnectAsync(broker, "device-a");
        string before = await ShownSerialAsync(fleet, broker);

        time.Advance(fleet.Options.RenewEvery - TimeSpan.FromMinutes(1));
        Assert.Equal(before, await ShownSerialAsync(fleet, broker));
        time.Advance(TimeSpan.FromMinutes(1));

        long began = Stopwatch.GetTimestamp();
        while (await ShownSerialAsync(fleet, broker) == before)
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < BrokerFleet.Patience, "the old certificate is still shown");
        }
        Assert.True((await device.PublishAsync(BrokerFleet.Text(Topic))).IsSuccess);
        Assert.Equal(1, device.Counters.Connects);
    }

    private static async Task<string> ShownSerialAsync(BrokerFleet fleet, EmbeddedBroker broker)
    {
        using PemIdentity identity = fleet.Identity("device-z");
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, broker.Endpoint.Port);
        await using SslStream tls = new(client.GetStream());
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(fleet.Authority.Root);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy, ClientCertificateContext = identity.Context });
        return tls.RemoteCertificate!.GetSerialNumberString();
    }
}
