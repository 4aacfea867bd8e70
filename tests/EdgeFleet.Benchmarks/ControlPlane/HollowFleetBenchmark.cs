using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Testing.Onnx;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>
/// A thousand hollow agents of <c>edgefleet simulate</c>: the agent's own sync, state table and outbox, with the hardware and
/// the inference modelled. An install and a staged rollout through the gate, then the rollback of all of them.
/// </summary>
internal static class HollowFleetBenchmark
{
    private const int Devices = 1000;
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(8);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        await using ControllerProcess controller = await ControllerProcess.StartAsync(limit.Token);
        using Process fleet = await StartAsync(controller, folder, limit.Token);
        try
        {
            Digest first = await PublishAsync(controller, 1, null, limit.Token);
            Digest second = await PublishAsync(controller, 2, first, limit.Token);
            double install = await RollOutAsync(controller, "install", first, "strategy: install\n  stages: [ { full: {} } ]", limit.Token);
            double staged = await RollOutAsync(
                controller, "staged", second, "strategy: staged\n  stages: [ { bench: {} }, { shadow: {} }, { canary: { percent: 5 } }, { ramp: { percent: 30 } }, { full: {} } ]", limit.Token);
            double rollback = await RollBackAsync(controller, limit.Token);
            double busy = controller.ResidentMiB;
            await Task.Delay(s_quiet, limit.Token);
            double resident = controller.ResidentMiB;
            string source = $"{Devices} hollow agents in one process beside the controller; hardware and inference modelled";
            return
            [
                new("rollback to the last of 1,000 hollow agents", rollback, "s", "<= 5", rollback <= 5, $"from the order to the last device's stored report; {source}"),
                new("controller with 1,000 hollow agents: resident memory", resident, "MiB", "<= 300", resident <= 300, $"{s_quiet.TotalSeconds:0} s after an install, a staged rollout and a rollback; {source}"),
                new("the same, as the rollback ends", busy, "MiB", null, true, source),
                new("install on 1,000 hollow agents", install, "s", null, true, $"probation 1 s; {source}"),
                new("bench, shadow, canary, ramp, full on 1,000 hollow agents", staged, "s", null, true, $"ticks of 1 s, no soak; {source}"),
            ];
        }
        finally
        {
            ProcessSignals.TrySend(fleet.Id, ProcessSignal.Terminate);
            await fleet.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Returns when all of them are connected.</summary>
    private static async Task<Process> StartAsync(ControllerProcess controller, string folder, CancellationToken cancellationToken)
    {
        string bundle = Path.Join(folder, "bundle.json");
        JsonNode token = await controller.PostAsync(
            "enrollment-tokens", new JsonObject { ["count"] = Devices, ["autoApprove"] = true, ["ttlSeconds"] = 3600 }, cancellationToken);
        await File.WriteAllTextAsync(bundle, token["bundle"]!.ToJsonString(), cancellationToken);
        Process fleet = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                Path.Join(AppContext.BaseDirectory, "edgefleet.dll"), "simulate", "--devices", Devices.ToString(CultureInfo.InvariantCulture),
                "--bundle", bundle, "--root", Path.Join(folder, "fleet"),
            ]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string all = $"{Devices} of {Devices} enrolled, {Devices} connected";
        while (await fleet.StandardError.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith(all, StringComparison.Ordinal))
            {
                // Read on, so that the pipe never fills.
                _ = fleet.StandardError.ReadToEndAsync(CancellationToken.None);
                return fleet;
            }
        }
        throw new InvalidOperationException($"edgefleet simulate ended with code {fleet.ExitCode}");
    }

    private static async Task<double> RollOutAsync(ControllerProcess controller, string name, Digest candidate, string strategy, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        JsonNode rollout = await controller.PostYamlAsync(
            "rollouts",
            $$"""
            apiVersion: edgefleet.io/v1
            kind: Rollout
            metadata: { name: {{name}} }
            spec:
              model: bench
              candidate: {{candidate}}
              {{strategy}}
              policySpec:
                bench: { blocks: 8, shortBlocks: 6, blockMilliseconds: 100, warmUpMilliseconds: 0 }
                evidence: { tickMilliseconds: 1000, calibrationTicks: 1, calibrationNoisePairs: 12, samplingPercent: 100, maximumPairsPerSecond: 500, pairsPerDevice: 50 }
                margins: { disagreementPoints: 15, latencyP50Percent: 50 }
                soak: { shadowSeconds: 0, canarySeconds: 0, rampSeconds: 0 }
                probation: { seconds: 1 }
            """,
            cancellationToken);
        string id = rollout["id"]!.GetValue<string>();
        while (true)
        {
            string state = rollout["state"]!.GetValue<string>();
            if (state == "completed")
            {
                return Stopwatch.GetElapsedTime(began).TotalSeconds;
            }
            if (state is not ("pending" or "running"))
            {
                throw new InvalidOperationException($"rollout '{name}' ended as {state}");
            }
            await Task.Delay(200, cancellationToken);
            rollout = await controller.GetAsync($"rollouts/{id}", cancellationToken);
        }
    }

    private static async Task<double> RollBackAsync(ControllerProcess controller, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        JsonNode order = await controller.PostAsync("rollbacks", new JsonObject { ["model"] = "bench", ["reason"] = "bench" }, cancellationToken);
        JsonNode progress = order;
        while (!progress["done"]!.GetValue<bool>())
        {
            progress = await controller.GetAsync($"rollbacks/{order["id"]}?waitMs=5000", cancellationToken);
        }
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        int count = progress["devices"]!.AsArray().Count;
        return count == Devices ? seconds : throw new InvalidOperationException($"the rollback meant {count} of {Devices} devices");
    }

    /// <summary>Hollow devices fetch, verify and scan it like any other, and only model its running.</summary>
    private static async Task<Digest> PublishAsync(ControllerProcess controller, float bias, Digest? baseline, CancellationToken cancellationToken)
    {
        byte[] model = TinyModel.AddBias([bias, 0]);
        using (ByteArrayContent content = new(model))
        {
            using HttpResponseMessage put = await controller.Operator.PutAsync($"content/{Digest.Of(model).Hex}", content, cancellationToken);
            put.EnsureSuccessStatusCode();
        }
        ArtifactManifest manifest = new()
        {
            Model = "bench",
            Files = [new ArtifactFile("model.onnx", model.Length, Digest.Of(model), ArtifactRole.Model)],
            EntryPoint = "model.onnx",
            Contract = new ModelContract([new TensorSpec("x", "FP32", [1, 2])], [new TensorSpec("y", "FP32", [1, 2])]),
            Baseline = baseline,
        };
        DsseEnvelope envelope = DsseEnvelope.Sign(ArtifactManifest.PayloadType, manifest.ToBytes(), controller.ReleaseKey);
        await controller.PostAsync(
            "artifacts", new JsonObject { ["envelope"] = JsonNode.Parse(envelope.ToBytes()), ["overrideReason"] = baseline is null ? null : "a benchmark of hollow agents" }, cancellationToken);
        return Digest.Of(envelope.Payload.Span);
    }
}
