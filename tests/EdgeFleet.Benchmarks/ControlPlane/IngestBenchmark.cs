using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Core;
using Google.Protobuf;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>Reports from devices to the acknowledgement on their streams: broker, decoding, duplicate removal, database, flush.</summary>
internal static class IngestBenchmark
{
    private const int Devices = 16;
    private const int ReportsPerDevice = 4000;
    private const int InFlight = 1000;
    private const int Rounds = 3;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        await using ControllerProcess controller = await ControllerProcess.StartAsync(cancellationToken);
        string token = await controller.CreateTokenAsync(Devices, cancellationToken);
        List<WireDevice> devices = [];
        using (GrpcChannel channel = WireDevice.Channel(controller.EnrollUrl, controller.RootPem, null))
        {
            for (int i = 0; i < Devices; i++)
            {
                WireDevice device = await WireDevice.EnrollAsync(channel, controller.RootPem, $"bench-{i}", token, cancellationToken);
                await device.ConnectAsync(controller, cancellationToken);
                devices.Add(device);
            }
        }
        (Digest digest, Wire.DesiredDeployment order) = await OrderAsync(controller, devices, cancellationToken);
        byte[] tick = """
            {"schemaVersion":1,"tick":TICK,"startedAt":"2026-11-20T00:00:00Z","durationMs":60000,"pairs":60,"disagreements":0,"noisePairs":6,"medianLogLatencyRatio":-0.1,"meanLogLatencyRatio":-0.1,"baselineP50Micros":410.2,"candidateP50Micros":377.9,"baselineP95Micros":610.2,"candidateP95Micros":577.9,"candidatePeakBytes":48234496,"dropped":{}}
            """u8.ToArray();
        string template = System.Text.Encoding.UTF8.GetString(tick);
        await RoundAsync(500, 0);

        List<double> rates = [];
        for (int round = 0; round < Rounds; round++)
        {
            long began = Stopwatch.GetTimestamp();
            await RoundAsync(ReportsPerDevice, 1000 + (round * ReportsPerDevice));
            rates.Add(Devices * ReportsPerDevice / Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        double cpu = controller.CpuSeconds;
        JsonNode seen = await controller.GetAsync($"devices/{devices[0].Id}", cancellationToken);
        if (seen.ToJsonString().Contains("not-ordered", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"the controller did not keep what it acknowledged: {seen.ToJsonString()}");
        }
        double resident = controller.ResidentMiB;
        foreach (WireDevice device in devices)
        {
            await device.DisposeAsync();
        }
        rates.Sort();
        string source = $"median of {Rounds} rounds of {Devices} x {ReportsPerDevice} shadow ticks over mosquitto with TLS, to the acknowledgement on each device's stream; devices, broker and controller share this machine";
        return
        [
            new("reports taken in (decode, remove duplicates, store, acknowledge)", rates[Rounds / 2], "1/s", ">= 5000", rates[Rounds / 2] >= 5000, source),
            new("controller CPU per report", cpu / ((Rounds * ReportsPerDevice) + 500) / Devices * 1e6, "us", null, true, source),
            new("controller resident memory after it", resident, "MiB", null, true, source),
        ];

        Task RoundAsync(int reports, int firstTick) => Task.WhenAll(devices.Select(async device =>
        {
            List<Task> publishes = [];
            for (int i = 0; i < reports; i++)
            {
                // The controller's acknowledgement is what holds a device back: the broker takes as much as comes, and drops
                // without a word what is more than it may keep for a subscriber.
                await device.WaitForAckAsync(device.Sent - InFlight, cancellationToken);
                publishes.Add(PublishAsync(device, firstTick + i));
            }
            await Task.WhenAll(publishes);
            await device.WaitForAckAsync(device.Sent, cancellationToken);
        }));

        async Task PublishAsync(WireDevice device, int number)
        {
            await device.PublishAsync(device.Topics.Shadow(digest), header => new Wire.ShadowReport
            {
                Header = header, Model = "bench", Digest = order.Digest, RolloutId = order.RolloutId, Attempt = order.Attempt, HardwareClass = "x64",
                Tick = ByteString.CopyFromUtf8(template.Replace("TICK", number.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)),
            });
        }
    }

    /// <summary>
    /// A rollout that all devices are told of, because evidence of anything else is not stored. It is aborted before the reports
    /// come: what its gate makes of ticks is measured elsewhere.
    /// </summary>
    private static async Task<(Digest Digest, Wire.DesiredDeployment Order)> OrderAsync(ControllerProcess controller, List<WireDevice> devices, CancellationToken cancellationToken)
    {
        Task<Wire.DesiredDeployment>[] told = [.. devices.Select(device =>
        {
            TaskCompletionSource<Wire.DesiredDeployment> heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
            device.OnDesired = desired =>
            {
                if (desired.Models.TryGetValue("bench", out Wire.DesiredDeployment? wanted))
                {
                    heard.TrySetResult(wanted);
                }
                return Task.CompletedTask;
            };
            return heard.Task;
        })];
        Digest digest = await FleetBenchmark.PublishAsync(controller, [1], cancellationToken);
        JsonNode rollout = await controller.PostYamlAsync(
            "rollouts",
            $$"""
            apiVersion: edgefleet.io/v1
            kind: Rollout
            metadata: { name: ingest }
            spec: { model: bench, candidate: "{{digest}}", strategy: install, stages: [ { full: {} } ] }
            """,
            cancellationToken);
        Wire.DesiredDeployment[] orders = await Task.WhenAll(told).WaitAsync(cancellationToken);
        await controller.PostAsync($"rollouts/{rollout["id"]}/abort", new JsonObject { ["reason"] = "the order is all that is needed" }, cancellationToken);
        return (digest, orders[0]);
    }
}
