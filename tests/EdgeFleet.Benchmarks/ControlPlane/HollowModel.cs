using System.Text.Json.Nodes;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Testing.Onnx;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>What hollow devices are given: they fetch, verify and scan it like any other, and only model its running.</summary>
internal static class HollowModel
{
    public const string Name = "bench";
    public const string Install = "strategy: install\n  stages: [ { full: {} } ]";
    public const string Staged = "strategy: staged\n  stages: [ { bench: {} }, { shadow: {} }, { canary: { percent: 5 } }, { ramp: { percent: 30 } }, { full: {} } ]";

    /// <param name="bias">Tells the versions apart.</param>
    public static async Task<Digest> PublishAsync(ControllerProcess controller, float bias, Digest? baseline, CancellationToken cancellationToken)
    {
        byte[] model = TinyModel.AddBias([bias, 0]);
        using (ByteArrayContent content = new(model))
        {
            using HttpResponseMessage put = await controller.Operator.PutAsync($"content/{Digest.Of(model).Hex}", content, cancellationToken);
            put.EnsureSuccessStatusCode();
        }
        ArtifactManifest manifest = new()
        {
            Model = Name,
            Files = [new ArtifactFile("model.onnx", model.Length, Digest.Of(model), ArtifactRole.Model)],
            EntryPoint = "model.onnx",
            Contract = new ModelContract([new TensorSpec("x", "FP32", [1, 2])], [new TensorSpec("y", "FP32", [1, 2])]),
            Baseline = baseline,
        };
        DsseEnvelope envelope = DsseEnvelope.Sign(ArtifactManifest.PayloadType, manifest.ToBytes(), controller.ReleaseKey);
        await controller.PostAsync(
            "artifacts", new JsonObject { ["envelope"] = JsonNode.Parse(envelope.ToBytes()), ["overrideReason"] = baseline is null ? null : "for hollow agents" }, cancellationToken);
        return Digest.Of(envelope.Payload.Span);
    }

    public static string Rollout(string name, Digest candidate, string strategy) => $$"""
        apiVersion: edgefleet.io/v1
        kind: Rollout
        metadata: { name: {{name}} }
        spec:
          model: {{Name}}
          candidate: {{candidate}}
          {{strategy}}
          policySpec:
            bench: { blocks: 8, shortBlocks: 6, blockMilliseconds: 100, warmUpMilliseconds: 0 }
            evidence: { tickMilliseconds: 1000, calibrationTicks: 1, calibrationNoisePairs: 12, samplingPercent: 100, maximumPairsPerSecond: 500, pairsPerDevice: 50 }
            margins: { disagreementPoints: 15, latencyP50Percent: 50 }
            soak: { shadowSeconds: 0, canarySeconds: 0, rampSeconds: 0 }
            probation: { seconds: 1 }
        """;
}
