using System.Text.Json.Nodes;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Testing;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Fleet;

/// <summary>What is wrong with a device, said where an operator looks.</summary>
public sealed class DeviceProblemTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_runner_that_is_away_is_shown_until_it_is_back_also_after_the_controller_was_restarted()
    {
        ScriptedDevice device;
        await using (TestController controller = await TestController.StartAsync(_folder))
        {
            device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
            device.Active = Digest.Of([1]);
            await device.ReportStateAsync();
            Assert.Equal(("unknown", ""), await RunnerAsync(controller));
            device.Runner = Wire.Runner.Away;
            await device.ReportStateAsync();
            Assert.Equal(("away", "runner-away"), await RunnerAsync(controller));
        }
        await using TestController later = await TestController.StartAsync(_folder);
        Assert.Equal(("away", "runner-away"), await RunnerAsync(later));
        device.Runner = Wire.Runner.Answers;
        await device.ConnectAsync(later);
        await device.ReportStateAsync();
        Assert.Equal(("answers", ""), await RunnerAsync(later));
        await device.DisposeAsync();
    }

    [Fact]
    public async Task Two_agents_with_one_identity_are_said_once_an_hour_and_shown_while_they_go_on()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        List<AsyncServerStreamingCall<Wire.SyncEvent>> streams = [];
        await OpenAsync(device, streams, 4);
        Assert.Empty((await controller.GetAsync("devices/dev-1"))["problems"]!.AsArray());

        await OpenAsync(device, streams, 8);
        JsonNode shown = await controller.GetAsync("devices/dev-1");
        Assert.Equal("identity-shared", Assert.Single(shown["problems"]!.AsArray())!.GetValue<string>());
        JsonNode said = Assert.Single(shown["events"]!.AsArray())!;
        Assert.Equal("identity-shared", said["type"]!.GetValue<string>());
        Assert.Contains("two agents seem to use this identity", said["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("identity-shared", (await controller.GetAsync("devices"))[0]!["problems"]![0]!.GetValue<string>());

        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Empty((await controller.GetAsync("devices/dev-1"))["problems"]!.AsArray());
        streams.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task A_device_that_reconnects_over_a_bad_link_now_and_then_shares_its_identity_with_nobody()
    {
        await using TestController controller = await StartAsync();
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync());
        List<AsyncServerStreamingCall<Wire.SyncEvent>> streams = [];
        for (int i = 0; i < 8; i++)
        {
            await OpenAsync(device, streams, 1);
            _time.Advance(TimeSpan.FromSeconds(25));
        }
        Assert.Empty((await controller.GetAsync("devices/dev-1"))["problems"]!.AsArray());
        streams.ForEach(stream => stream.Dispose());
    }

    private Task<TestController> StartAsync() => TestController.StartAsync(_folder, new ControllerParts { Time = _time });

    /// <summary>Opens streams and leaves them open, so that each ends the one before.</summary>
    private static async Task OpenAsync(ScriptedDevice device, List<AsyncServerStreamingCall<Wire.SyncEvent>> streams, int count)
    {
        for (int i = 0; i < count; i++)
        {
            streams.Add(new Wire.Fleet.FleetClient(device.Channel()).Sync(new Wire.SyncRequest()));
            Assert.True(await streams[^1].ResponseStream.MoveNext(CancellationToken.None));
        }
    }

    private static async Task<(string, string)> RunnerAsync(TestController controller)
    {
        JsonNode device = await controller.GetAsync("devices/dev-1");
        return (device["runner"]!.GetValue<string>(), string.Join(",", device["problems"]!.AsArray()));
    }
}
