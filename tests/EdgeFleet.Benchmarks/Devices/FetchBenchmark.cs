using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Benchmarks.ControlPlane;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Envelopes;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Benchmarks.Devices;

/// <summary>
/// The agent's fetch (client certificate, gRPC, hash while streaming, write, fsync, rename) of 512 MiB from a controller
/// process, in turns with curl to a file and sync: of the same bytes from the same controller, over plain HTTP.
/// </summary>
internal static class FetchBenchmark
{
    private const int Rounds = 3;
    private const int SizeMiB = 512;
    private const string Model = "bench";
    private const string Device = "fetcher";

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        try
        {
            await using ControllerProcess controller = await ControllerProcess.StartAsync(cancellationToken);
            StateFolder state = new(Path.Join(folder, "device"), LinuxFileStore.Instance);
            await AgentProcess.EnrollAsync(controller, state.Root, Device, cancellationToken);
            ArtifactFile file = await UploadAsync(controller, folder, cancellationToken);
            await WantAsync(controller, state, file, cancellationToken);

            IdentityFiles identity = new(state);
            using ControllerLink link = new(identity, identity.Document!, TimeProvider.System, NullLogger<ControllerLink>.Instance);
            ArtifactStore store = new(state, ReleaseKeyRing.FromPem(identity.Document!.ReleaseKeys), NullLogger<ArtifactStore>.Instance);
            GrpcArtifactSource source = new(link, TimeProvider.System);
            List<double> agent = [], curl = [], ratios = [];
            // Round 0 warms both up and counts for neither.
            for (int round = 0; round <= Rounds; round++)
            {
                double fetched = await FetchAsync(store, source, state, file, cancellationToken);
                double downloaded = await CurlAsync(controller, folder, file.Sha256, cancellationToken);
                if (round > 0)
                {
                    agent.Add(SizeMiB / fetched);
                    curl.Add(SizeMiB / downloaded);
                    ratios.Add(downloaded / fetched);
                }
            }
            double ratio = Median(ratios);
            string how = $"median of {Rounds} pairs, {SizeMiB} MiB of random bytes, one machine, the same controller process; pairs from {ratios.Min():0.00} to {ratios.Max():0.00}";
            return
            [
                new("artifact fetch by the agent over curl to a file and sync", ratio, "ratio", ">= 0.6", ratio >= 0.6, how),
                new("artifact fetch by the agent", Median(agent), "MiB/s", null, true, $"mutual TLS, SHA-256 while streaming, fsync, rename; {how}"),
                new("curl to a file and sync", Median(curl), "MiB/s", null, true, $"plain HTTP/1.1, no hash; {how}"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<ArtifactFile> UploadAsync(ControllerProcess controller, string folder, CancellationToken cancellationToken)
    {
        string path = Path.Join(folder, "content");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = new byte[1 << 20];
        await using (FileStream output = File.Create(path))
        {
            for (int i = 0; i < SizeMiB; i++)
            {
                RandomNumberGenerator.Fill(block);
                hash.AppendData(block);
                await output.WriteAsync(block, cancellationToken);
            }
        }
        Digest digest = Digest.FromHash(hash.GetHashAndReset());
        await using (FileStream input = File.OpenRead(path))
        {
            using StreamContent body = new(input);
            using HttpResponseMessage put = await controller.Operator.PutAsync($"content/{digest.Hex}", body, cancellationToken);
            put.EnsureSuccessStatusCode();
        }
        File.Delete(path);
        return new ArtifactFile("model.onnx", SizeMiB << 20, digest, ArtifactRole.Model);
    }

    /// <summary>A device is given only the content of what it is wanted to hold, and wanted is only what a device that was on line got.</summary>
    private static async Task WantAsync(ControllerProcess controller, StateFolder state, ArtifactFile file, CancellationToken cancellationToken)
    {
        ArtifactManifest manifest = new()
        {
            Model = Model,
            Files = [file],
            EntryPoint = file.Path,
            Contract = new ModelContract([new TensorSpec("x", "FP32", [1])], [new TensorSpec("y", "FP32", [1])]),
        };
        DsseEnvelope envelope = DsseEnvelope.Sign(ArtifactManifest.PayloadType, manifest.ToBytes(), controller.ReleaseKey);
        await controller.PostAsync("artifacts", new JsonObject { ["envelope"] = JsonNode.Parse(envelope.ToBytes()) }, cancellationToken);
        await controller.PostYamlAsync(
            "rollouts",
            $"""
            apiVersion: edgefleet.io/v1
            kind: Rollout
            metadata:
              name: fetch
            spec:
              model: {Model}
              candidate: {Digest.Of(envelope.Payload.Span)}
              strategy: install
            """,
            cancellationToken);
        await using (await AgentProcess.StartAsync(state.Root, cancellationToken))
        {
            await WaitForDesiredAsync(controller, cancellationToken);
        }
        // What that agent had begun to fetch.
        File.Delete(state.PartialBlob(file.Sha256));
        File.Delete(state.Blob(file.Sha256));
    }

    private static async Task WaitForDesiredAsync(ControllerProcess controller, CancellationToken cancellationToken)
    {
        while ((await controller.GetAsync($"devices/{Device}", cancellationToken))["models"]?[Model]?["desired"] is null)
        {
            await Task.Delay(50, cancellationToken);
        }
    }

    private static async Task<double> FetchAsync(ArtifactStore store, GrpcArtifactSource source, StateFolder state, ArtifactFile file, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        await store.FetchAsync(file, source, cancellationToken);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        File.Delete(state.Blob(file.Sha256));
        return seconds;
    }

    private static async Task<double> CurlAsync(ControllerProcess controller, string folder, Digest digest, CancellationToken cancellationToken)
    {
        string path = Path.Join(folder, "curl.out");
        string url = new Uri(controller.Operator.BaseAddress!, $"content/{digest.Hex}").ToString();
        long began = Stopwatch.GetTimestamp();
        using (Process curl = Process.Start("bash", ["-c", "curl -sf -H \"Authorization: Bearer $2\" -o \"$3\" \"$1\" && sync \"$3\"", "curl", url, controller.Operator.DefaultRequestHeaders.Authorization!.Parameter!, path]))
        {
            await curl.WaitForExitAsync(cancellationToken);
            if (curl.ExitCode != 0)
            {
                throw new InvalidOperationException($"curl ended with exit code {curl.ExitCode}");
            }
        }
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        File.Delete(path);
        return seconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
