using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Tests.Support;

/// <summary>Artifacts that a test can vary in one place.</summary>
internal static class TestArtifacts
{
    public static readonly ModelContract Contract = new(
        [new TensorSpec("input", "FP32", [-1, 1, 28, 28])], [new TensorSpec("logits", "FP32", [-1, 10])]);

    public static byte[] Model(string seed) => SHA256.HashData(Encoding.UTF8.GetBytes(seed));

    public static ArtifactManifest Manifest(byte[] model, Digest? baseline = null, Digest? evidence = null) => new()
    {
        Model = "fashion",
        Version = "1",
        Files = [new ArtifactFile("model.onnx", model.Length, Digest.Of(model), ArtifactRole.Model)],
        EntryPoint = "model.onnx",
        Contract = Contract,
        Baseline = baseline,
        Evidence = evidence,
    };

    public static DsseEnvelope Sign(this ArtifactManifest manifest, ReleaseKey key) => DsseEnvelope.Sign(ArtifactManifest.PayloadType, manifest.ToBytes(), key);

    public static Digest DigestOf(this DsseEnvelope envelope) => Digest.Of(envelope.Payload.Span);

    public static string Evidence(byte[] candidate, byte[] baseline, string verdict = "pass") => new JsonObject
    {
        ["schemaVersion"] = 1,
        ["kind"] = "Evaluation",
        ["verdict"] = verdict,
        ["failed"] = verdict == "pass" ? [] : new JsonArray("accuracy dropped by 47 points, 1 is allowed"),
        ["candidate"] = new JsonObject { ["file"] = "c.onnx", ["sha256"] = Digest.Of(candidate).ToString(), ["sizeBytes"] = candidate.Length },
        ["baseline"] = new JsonObject { ["file"] = "b.onnx", ["sha256"] = Digest.Of(baseline).ToString(), ["sizeBytes"] = baseline.Length },
    }.ToJsonString();

    public static JsonObject Request(DsseEnvelope envelope, string? evidence = null, string? overrideReason = null) => new()
    {
        ["envelope"] = JsonNode.Parse(envelope.ToBytes()),
        ["evidence"] = evidence,
        ["overrideReason"] = overrideReason,
    };

    public static Task PutContentAsync(this TestController controller, byte[] content) => PutContentAsync(controller.Operator, content);

    /// <summary>Publishes a first model, one without a baseline.</summary>
    public static Task<Digest> PublishAsync(this TestController controller, string seed) => PublishAsync(controller.Operator, controller.ReleaseKey, seed);

    /// <summary>Publishes a variant on evidence that passed.</summary>
    public static Task<Digest> PublishVariantAsync(this TestController controller, string seed, string baselineSeed, Digest baseline) =>
        PublishVariantAsync(controller.Operator, controller.ReleaseKey, seed, baselineSeed, baseline);

    public static async Task<Digest> PublishAsync(HttpClient client, ReleaseKey releaseKey, string seed)
    {
        byte[] model = Model(seed);
        await PutContentAsync(client, model);
        return await PostAsync(client, Manifest(model).Sign(releaseKey), null);
    }

    public static async Task<Digest> PublishVariantAsync(HttpClient client, ReleaseKey releaseKey, string seed, string baselineSeed, Digest baseline)
    {
        byte[] model = Model(seed);
        await PutContentAsync(client, model);
        string evidence = Evidence(model, Model(baselineSeed));
        return await PostAsync(client, Manifest(model, baseline, Digest.Of(Encoding.UTF8.GetBytes(evidence))).Sign(releaseKey), evidence);
    }

    private static async Task PutContentAsync(HttpClient client, byte[] content)
    {
        using ByteArrayContent body = new(content);
        using HttpResponseMessage response = await client.PutAsync($"content/{Digest.Of(content).Hex}", body);
        response.EnsureSuccessStatusCode();
    }

    private static async Task<Digest> PostAsync(HttpClient client, DsseEnvelope envelope, string? evidence)
    {
        using HttpResponseMessage response = await client.PostAsJsonAsync("artifacts", Request(envelope, evidence));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return envelope.DigestOf();
    }
}
