using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Core;
using Google.Protobuf;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>
/// Shadow ticks of a rollout that runs: from the device over broker, database and acknowledgement into the gate's verdict, which
/// one controller makes again and again while they come.
/// </summary>
internal static class TickBenchmark
{
    private const int Devices = 100;
    private const int TicksPerDevice = 100;
    private const int Rounds = 3;
    private const int InFlight = 50;
    /// <summary>The default of a policy: ticks of a device that only calibrate.</summary>
    private const int CalibrationTicks = 3;
    private const string Class = "bench";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        await using ControllerProcess controller = await ControllerProcess.StartAsync(cancellationToken);
        Digest baseline = await FleetBenchmark.PublishAsync(controller, [1], cancellationToken);
        Digest candidate = await FleetBenchmark.PublishAsync(controller, [2], cancellationToken);
        List<WireDevice> devices = await ConnectAsync(controller, baseline, cancellationToken);
        try
        {
            (string rollout, Wire.DesiredDeployment order) = await ShadowAsync(controller, devices, candidate, cancellationToken);
            await RoundAsync(0); // also calibrates
            List<double> acknowledged = [], merged = [];
            for (int round = 1; round <= Rounds; round++)
            {
                long began = Stopwatch.GetTimestamp();
                double seconds = await RoundAsync(round);
                acknowledged.Add(Devices * TicksPerDevice / seconds);
                merged.Add(Devices * TicksPerDevice / Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
            string source = string.Create(
                CultureInfo.InvariantCulture,
                $"{Devices} devices x {TicksPerDevice} shadow ticks over mosquitto with TLS, median of {Rounds} rounds, in a staged rollout's shadow stage; devices, broker and controller share this machine");
            double rate = Middle(merged);
            return
            [
                new("tick reports taken in and merged into the verdict", rate, "1/s", ">= 5000", rate >= 5000, $"until the newest verdict rests on all of them; {source}"),
                new("the same, the last round", merged[^1], "1/s", null, true, $"with {(Rounds + 1) * Devices * TicksPerDevice} ticks in all; {source}"),
                new("the same, until they are acknowledged", Middle(acknowledged), "1/s", null, true, source),
                new("controller resident memory after it", controller.ResidentMiB, "MiB", null, true, source),
            ];

            // Returns when the verdict has them; the answer is how long the acknowledgements took.
            async Task<double> RoundAsync(int round)
            {
                long began = Stopwatch.GetTimestamp();
                await Task.WhenAll(devices.Select(device => PublishAsync(device, candidate, order, round * TicksPerDevice, cancellationToken)));
                double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
                await WaitUntilMergedAsync(controller, rollout, (round + 1) * TicksPerDevice, cancellationToken);
                return seconds;
            }
        }
        finally
        {
            foreach (WireDevice device in devices)
            {
                await device.DisposeAsync();
            }
        }
    }

    private static async Task<List<WireDevice>> ConnectAsync(ControllerProcess controller, Digest active, CancellationToken cancellationToken)
    {
        string token = await controller.CreateTokenAsync(Devices, cancellationToken);
        List<WireDevice> devices = [];
        using GrpcChannel channel = WireDevice.Channel(controller.EnrollUrl, controller.RootPem, null);
        for (int i = 0; i < Devices; i++)
        {
            WireDevice device = await WireDevice.EnrollAsync(channel, controller.RootPem, string.Create(CultureInfo.InvariantCulture, $"bench-{i}"), token, cancellationToken);
            await device.ConnectAsync(controller, cancellationToken);
            await device.PublishAsync(
                device.Topics.Reported,
                header =>
                {
                    Wire.Reported reported = new() { Header = header, AgentVersion = "bench", HardwareClass = Class };
                    reported.Models["bench"] = new Wire.ModelSlots { Active = active.ToString() };
                    return reported;
                },
                retain: true);
            devices.Add(device);
        }
        await Task.WhenAll(devices.Select(device => device.WaitForAckAsync(device.Sent, cancellationToken)));
        return devices;
    }

    /// <summary>A rollout in its shadow stage, with all devices at work.</summary>
    private static async Task<(string Rollout, Wire.DesiredDeployment Order)> ShadowAsync(
        ControllerProcess controller, List<WireDevice> devices, Digest candidate, CancellationToken cancellationToken)
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
        JsonNode rollout = await controller.PostYamlAsync(
            "rollouts",
            $$"""
            apiVersion: edgefleet.io/v1
            kind: Rollout
            metadata: { name: ticks }
            spec: { model: bench, candidate: "{{candidate}}", stages: [ { shadow: { devices: {{Devices}} } }, { full: {} } ] }
            """,
            cancellationToken);
        Wire.DesiredDeployment[] orders = await Task.WhenAll(told).WaitAsync(s_patience, cancellationToken);
        foreach (WireDevice device in devices)
        {
            await device.PublishAsync(device.Topics.Deployment("bench-ticks"), header => new Wire.DeploymentReport
            {
                Header = header, Model = "bench", Digest = orders[0].Digest, RolloutId = orders[0].RolloutId, Attempt = orders[0].Attempt,
                Phase = Wire.Phase.Shadowing, HardwareClass = Class,
            });
        }
        await Task.WhenAll(devices.Select(device => device.WaitForAckAsync(device.Sent, cancellationToken)));
        return (rollout["id"]!.GetValue<string>(), orders[0]);
    }

    private static async Task PublishAsync(WireDevice device, Digest candidate, Wire.DesiredDeployment order, int firstTick, CancellationToken cancellationToken)
    {
        List<Task> publishes = [];
        for (int i = 0; i < TicksPerDevice; i++)
        {
            await device.WaitForAckAsync(device.Sent - InFlight, cancellationToken);
            string tick = string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"schemaVersion\":1,\"tick\":{firstTick + i},\"startedAt\":\"2026-11-20T00:00:00Z\",\"durationMs\":60000,\"pairs\":60,\"disagreements\":0,\"noisePairs\":6,\"noiseMeanLogLatencyRatio\":{((i % 2) - 0.5) / 50},\"medianLogLatencyRatio\":-0.1,\"meanLogLatencyRatio\":-0.1,\"baselineP50Micros\":410.2,\"candidateP50Micros\":377.9,\"baselineP95Micros\":610.2,\"candidateP95Micros\":577.9,\"candidatePeakBytes\":48234496,\"dropped\":{{}}}}");
            publishes.Add(device.PublishAsync(device.Topics.Shadow(candidate), header => new Wire.ShadowReport
            {
                Header = header, Model = "bench", Digest = order.Digest, RolloutId = order.RolloutId, Attempt = order.Attempt, HardwareClass = Class,
                Tick = ByteString.CopyFromUtf8(tick),
            }));
        }
        await Task.WhenAll(publishes);
        await device.WaitForAckAsync(device.Sent, cancellationToken);
    }

    private static async Task WaitUntilMergedAsync(ControllerProcess controller, string rollout, int ticks, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            JsonNode seen = await controller.GetAsync($"rollouts/{rollout}?devices=1", cancellationToken);
            JsonNode? verdict = seen["current"]?.AsArray().FirstOrDefault();
            long judged = verdict?["devices"]?.AsArray().Sum(device => device!["pairs"]!.GetValue<long>()) / 60 ?? 0;
            if (judged >= (long)Devices * (ticks - CalibrationTicks))
            {
                return;
            }
            if (Stopwatch.GetElapsedTime(began) > s_patience)
            {
                throw new TimeoutException($"the verdict rests on {judged} of {Devices * ticks} ticks: {verdict?.ToJsonString() ?? "there is none"}");
            }
            await Task.Delay(50, cancellationToken);
        }
    }

    private static double Middle(List<double> rates) => rates.Order().ElementAt(rates.Count / 2);
}
