using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>
/// A thousand devices at once, protocol only: what the controller needs for them, and how long a rollback takes from the order
/// to the last device's stored report that it serves the older digest.
/// </summary>
internal static class FleetBenchmark
{
    private const int Devices = 1000;
    private const int Rollbacks = 3;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        await using ControllerProcess controller = await ControllerProcess.StartAsync(cancellationToken);
        double empty = controller.ResidentMiB;
        Digest first = await PublishAsync(controller, [1], cancellationToken);
        Digest second = await PublishAsync(controller, [2], cancellationToken);
        List<Device> devices = await ConnectAsync(controller, first, second, cancellationToken);
        try
        {
            double connected = controller.ResidentMiB;
            List<double> seconds = [];
            for (int i = 0; i < Rollbacks; i++)
            {
                // There and back: each order names what all serve now and what they shall serve.
                (Digest from, Digest to) = i % 2 == 0 ? (first, second) : (second, first);
                long began = Stopwatch.GetTimestamp();
                JsonNode order = await controller.PostAsync(
                    "rollbacks", new JsonObject { ["model"] = "bench", ["from"] = from.ToString(), ["to"] = to.ToString(), ["reason"] = "bench" }, cancellationToken);
                JsonNode progress = order;
                while (!progress["done"]!.GetValue<bool>())
                {
                    progress = await controller.GetAsync($"rollbacks/{order["id"]}?waitMs=5000", cancellationToken);
                }
                int count = progress["devices"]!.AsArray().Count;
                if (count != Devices)
                {
                    throw new InvalidOperationException($"rollback {i} meant {count} of {Devices} devices");
                }
                seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
            double worst = seconds.Max();
            double peak = controller.ResidentMiB;
            string source = $"{Devices} devices in one process over the real protocols (stream and broker with TLS), no agent behind them, on the controller's machine";
            return
            [
                new("rollback to the last of 1,000 devices, protocol only, worst", worst, "s", "<= 5", worst <= 5, $"worst of {Rollbacks}; {source}"),
                new("controller with 1,000 devices: resident memory", peak, "MiB", "<= 300", peak <= 300, $"after {Rollbacks} rollbacks; {source}"),
                new("controller with 1,000 devices connected, before any", connected, "MiB", null, true, source),
                new("controller without devices: resident memory", empty, "MiB", null, true, "after start"),
            ];
        }
        finally
        {
            foreach (Device device in devices)
            {
                await device.Wire.DisposeAsync();
            }
        }
    }

    private static async Task<List<Device>> ConnectAsync(ControllerProcess controller, Digest serving, Digest previous, CancellationToken cancellationToken)
    {
        string token = await controller.CreateTokenAsync(Devices, cancellationToken);
        List<Device> devices = [];
        using GrpcChannel channel = WireDevice.Channel(controller.EnrollUrl, controller.RootPem, null);
        foreach (int[] batch in Enumerable.Range(0, Devices).Chunk(50))
        {
            devices.AddRange(await Task.WhenAll(batch.Select(async i =>
            {
                Device device = new(await WireDevice.EnrollAsync(channel, controller.RootPem, string.Create(CultureInfo.InvariantCulture, $"bench-{i}"), token, cancellationToken), serving, previous);
                await device.Wire.ConnectAsync(controller, cancellationToken);
                await device.ReportAsync(0);
                return device;
            })));
        }
        foreach (Device device in devices)
        {
            await device.Wire.WaitForAckAsync(device.Wire.Sent, cancellationToken);
        }
        return devices;
    }

    internal static async Task<Digest> PublishAsync(ControllerProcess controller, byte[] model, CancellationToken cancellationToken)
    {
        Digest content = Digest.Of(model);
        using ByteArrayContent body = new(model);
        using HttpResponseMessage put = await controller.Operator.PutAsync($"content/{content.Hex}", body, cancellationToken);
        put.EnsureSuccessStatusCode();
        ArtifactManifest manifest = new()
        {
            Model = "bench",
            Files = [new ArtifactFile("model.onnx", model.Length, content, ArtifactRole.Model)],
            EntryPoint = "model.onnx",
            Contract = new ModelContract([new TensorSpec("x", "FP32", [1])], [new TensorSpec("y", "FP32", [1])]),
        };
        DsseEnvelope envelope = DsseEnvelope.Sign(ArtifactManifest.PayloadType, manifest.ToBytes(), controller.ReleaseKey);
        await controller.PostAsync("artifacts", new JsonObject { ["envelope"] = JsonNode.Parse(envelope.ToBytes()), ["overrideReason"] = "a benchmark without inference" }, cancellationToken);
        return Digest.Of(envelope.Payload.Span);
    }

    /// <summary>Serves what it is told at once and says so.</summary>
    private sealed class Device
    {
        private Digest _active;
        private Digest _previous;

        public Device(WireDevice wire, Digest active, Digest previous)
        {
            Wire = wire;
            _active = active;
            _previous = previous;
            wire.OnDesired = async desired =>
            {
                if (desired.Models.TryGetValue("bench", out Wire.DesiredDeployment? wanted))
                {
                    (_previous, _active) = (_active, Digest.Parse(wanted.Digest));
                    await ReportAsync(desired.Generation);
                }
            };
        }

        public WireDevice Wire { get; }

        public Task ReportAsync(ulong generation) => Wire.PublishAsync(
            Wire.Topics.Reported,
            header =>
            {
                Wire.Reported reported = new() { Header = header, Generation = generation, AgentVersion = "bench" };
                reported.Models["bench"] = new Wire.ModelSlots { Active = _active.ToString(), Previous = _previous.ToString() };
                return reported;
            },
            retain: true);
    }
}
