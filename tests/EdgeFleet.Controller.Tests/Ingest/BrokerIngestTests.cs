using System.Text.Json.Nodes;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing;
using Google.Protobuf;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Ingest;

/// <summary>Reports over the controller's own mosquitto, with the certificates that devices get.</summary>
public sealed class BrokerIngestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_report_is_acknowledged_on_the_stream_when_it_is_stored()
    {
        await using TestController controller = await TestController.StartAsync(_folder, withBroker: true);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await device.ConnectAsync();
        Assert.Equal((controller.Host.Endpoints.MqttHost, (uint)controller.Host.Endpoints.MqttPort), (device.Welcome!.MqttHost, device.Welcome.MqttPort));
        MqttSession session = await device.ConnectToBrokerAsync();
        device.Active = Digest.Of([1]);

        await device.ReportStateAsync();
        await device.SendAsync(device.OwnTopics.Event("started"), new Wire.EventReport { Header = device.Header(), Type = "started", Detail = "hello" });
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 2);

        JsonNode shown = await controller.GetAsync("devices/dev-1");
        Assert.Equal(Digest.Of([1]).ToString(), shown["models"]!["fashion"]!["active"]!.GetValue<string>());
        Assert.Equal("hello", shown["events"]![0]!["detail"]!.GetValue<string>());
        Assert.True(session.IsConnected);
    }

    [Fact]
    public async Task What_a_device_says_of_how_it_is_doing_is_shown_and_takes_no_number()
    {
        await using TestController controller = await TestController.StartAsync(_folder, withBroker: true);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await device.ConnectAsync();
        MqttSession session = await device.ConnectToBrokerAsync();
        Assert.Null((await controller.GetAsync("devices/dev-1"))["metrics"]);
        Wire.MetricReport metric = new() { Values = { ["disk_free_bytes"] = 1e9, ["load_average_1m"] = double.NaN } };
        metric.Models["fashion"] = new Wire.MetricValues { Values = { ["p95_us"] = 41.5 } };

        await session.PublishAsync(new MqttMessage { Topic = device.OwnTopics.Metric, Qos = MqttQos.AtMostOnce, Payload = metric.ToByteArray() });
        await device.SendAsync(device.OwnTopics.Event("x"), new Wire.EventReport { Header = device.Header(), Detail = "after it" });
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 1);
        JsonNode? shown = null;
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(20));
        while (shown is null)
        {
            // Different subscriptions, so the two may be handled in any order.
            shown = (await controller.GetAsync("devices/dev-1"))["metrics"];
            await Task.Delay(10, patience.Token);
        }

        Assert.Equal(1e9, shown["values"]!["disk_free_bytes"]!.GetValue<double>());
        Assert.Equal(41.5, shown["models"]!["fashion"]!["p95_us"]!.GetValue<double>());
        Assert.Null(shown["values"]!["load_average_1m"]);
    }

    [Fact]
    public async Task Many_sessions_one_after_another_and_at_once_are_let_in_each_time()
    {
        await using TestController controller = await TestController.StartAsync(_folder, withBroker: true);
        string token = await controller.CreateTokenAsync(new JsonObject { ["autoApprove"] = true, ["count"] = 12 });
        ScriptedDevice[] devices = await Task.WhenAll(Enumerable.Range(1, 12).Select(i => ScriptedDevice.EnrollAsync(controller, $"dev-{i}", token)));

        for (int round = 0; round < 3; round++)
        {
            // A TLS session that is resumed brings no issuing certificate along; each connect has to be judged whole.
            await Task.WhenAll(devices.Select(async device =>
            {
                MqttSession session = await device.ConnectToBrokerAsync();
                await device.ReportStateAsync();
                await session.DisposeAsync();
            }));
        }
        foreach (ScriptedDevice device in devices)
        {
            await device.ConnectAsync();
            await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 3);
            await device.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_revoked_device_reaches_neither_the_controller_nor_its_topics()
    {
        await using TestController controller = await TestController.StartAsync(_folder, withBroker: true);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await device.ConnectAsync();
        await device.ConnectToBrokerAsync();
        device.Active = Digest.Of([1]);
        await device.ReportStateAsync();
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == 1);

        await controller.PostAsync("devices/dev-1/revoke", new JsonObject { ["reason"] = "stolen" });
        device.Active = Digest.Of([2]);
        using CancellationTokenSource soon = new(TimeSpan.FromSeconds(2));
        try
        {
            await device.ReportStateAsync().WaitAsync(soon.Token);
        }
        catch (Exception ex) when (ex is OperationCanceledException or MqttException)
        {
            // The broker may also have ended the session.
        }

        JsonNode shown = await controller.GetAsync("devices/dev-1");
        Assert.Equal(Digest.Of([1]).ToString(), shown["models"]!["fashion"]!["active"]!.GetValue<string>());
    }

    [Fact]
    public async Task Reports_that_meet_a_full_disk_are_acknowledged_to_nobody_and_stored_once_when_there_is_room()
    {
        const int Reports = 40;
        FullDisk disk = new();
        await using TestController controller = await TestController.StartAsync(_folder, new ControllerParts { Observer = disk }, withBroker: true);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        await device.ConnectAsync();
        await device.ConnectToBrokerAsync();

        disk.IsFull = true;
        for (int i = 0; i < Reports; i++)
        {
            // The broker takes each of them.
            await device.SendAsync(device.OwnTopics.Event("x"), new Wire.EventReport { Header = device.Header(), Detail = $"{i}" });
        }
        await disk.RefusedTwice.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, await StoredAsync(controller));
        Assert.Null(device.Acked);

        disk.IsFull = false;
        await device.ReadUntilAsync(() => device.Acked?.ContiguousSeq == Reports);
        Assert.Equal(Reports, await StoredAsync(controller));

        static Task<int> StoredAsync(TestController controller) =>
            controller.Database.ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 1000).Count, CancellationToken.None);
    }

    [Fact]
    public async Task Nonsense_from_one_device_and_the_words_of_one_that_is_gone_hold_up_no_other()
    {
        const int Messages = 200;
        await using TestController controller = await TestController.StartAsync(_folder, withBroker: true);
        string token = await controller.CreateTokenAsync(new JsonObject { ["autoApprove"] = true, ["count"] = 3 });
        await using ScriptedDevice hostile = await ScriptedDevice.EnrollAsync(controller, "hostile", token);
        await using ScriptedDevice removed = await ScriptedDevice.EnrollAsync(controller, "removed", token);
        await using ScriptedDevice honest = await ScriptedDevice.EnrollAsync(controller, "honest", token);
        await honest.ConnectAsync();
        MqttSession session = await hostile.ConnectToBrokerAsync();
        await removed.ConnectToBrokerAsync();
        await honest.ConnectToBrokerAsync();
        await controller.PostAsync("devices/removed/revoke", new JsonObject { ["reason"] = "scrapped" });
        using (HttpResponseMessage gone = await controller.Operator.DeleteAsync("devices/removed"))
        {
            gone.EnsureSuccessStatusCode();
        }

        string[] topics = [hostile.OwnTopics.Presence, hostile.OwnTopics.Reported, hostile.OwnTopics.Deployment("x"), hostile.OwnTopics.Event("x"), hostile.OwnTopics.Shadow(Digest.Of([1]))];
        Random random = new(7);
        for (int i = 0; i < Messages; i++)
        {
            byte[] payload = new byte[random.Next(1, 2000)];
            random.NextBytes(payload);
            // A field number of zero: never protobuf, whatever follows.
            payload[0] = 0;
            Assert.True((await session.PublishAsync(new MqttMessage { Topic = topics[i % topics.Length], Payload = payload })).IsSuccess);
            await honest.SendAsync(honest.OwnTopics.Event("x"), new Wire.EventReport { Header = honest.Header(), Detail = $"{i}" });
        }
        await removed.ReportStateAsync();
        await honest.SendAsync(honest.OwnTopics.Event("x"), new Wire.EventReport { Header = honest.Header(), Detail = "last" });
        await honest.ReadUntilAsync(() => honest.Acked?.ContiguousSeq == Messages + 1);

        // Each was put aside once: nothing of it made the broker send anything again.
        JsonArray aside = (await controller.GetAsync("quarantine?limit=1000")).AsArray();
        Assert.Equal(Messages, aside.Count(entry => entry!["topic"]!.GetValue<string>().Contains("/hostile/", StringComparison.Ordinal)));
        Assert.Equal("device 'removed' is not known", Assert.Single(aside, entry => entry!["topic"]!.GetValue<string>().Contains("/removed/", StringComparison.Ordinal))!["reason"]!.GetValue<string>());
    }
}
