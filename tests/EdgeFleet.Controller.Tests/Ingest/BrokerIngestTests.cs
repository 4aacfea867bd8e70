using System.Text.Json.Nodes;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing;
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
}
