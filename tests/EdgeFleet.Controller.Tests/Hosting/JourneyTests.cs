using System.Text.Json.Nodes;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Testing;
using Google.Protobuf;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Hosting;

/// <summary>The main job through the real listeners: enrol, publish, install, and what the device is told and may fetch.</summary>
public sealed class JourneyTests : IDisposable
{
    private const string Install = """
        apiVersion: edgefleet.io/v1
        kind: Rollout
        metadata: { name: first }
        spec:
          model: fashion
          candidate: ${digest}
          strategy: install
          stages: [ { full: {} } ]
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_is_installed_on_a_new_fleet_and_counts_as_done_when_every_device_has_committed()
    {
        await using TestController controller = await TestController.StartAsync(_folder);
        string token = await controller.CreateTokenAsync(new JsonObject { ["autoApprove"] = true, ["count"] = 2 });
        await using ScriptedDevice first = await ScriptedDevice.EnrollAsync(controller, "dev-1", token);
        await using ScriptedDevice second = await ScriptedDevice.EnrollAsync(controller, "dev-2", token, threads: 2);
        await first.ConnectAsync();
        await second.ConnectAsync();
        Assert.Equal((ulong)controller.Database.Epoch, first.Welcome!.Epoch);

        Digest digest = await controller.PublishAsync("v1");
        JsonNode created = await controller.PostYamlAsync("rollouts", Install.Replace("${digest}", digest.ToString(), StringComparison.Ordinal));
        string id = created["id"]!.GetValue<string>();

        foreach (ScriptedDevice device in (ScriptedDevice[])[first, second])
        {
            await device.ReadDesiredAsync("fashion", desired => desired.Goal == Wire.Goal.Active);
            Wire.DesiredDeployment desired = device.Desired!.Models["fashion"];
            Assert.Equal(digest.ToString(), desired.Digest);
            Assert.True(desired.Plan.Install);
            Assert.Equal(TestArtifacts.Model("v1"), await FetchAsync(device, digest));
            await device.ActivateAsync(desired);
        }

        JsonNode events = await controller.GetAsync($"rollouts/{id}/events?waitMs=20000");
        while (!events["ended"]!.GetValue<bool>())
        {
            events = await controller.GetAsync($"rollouts/{id}/events?waitMs=20000&after={events["last"]}");
        }
        JsonNode rollout = await controller.GetAsync($"rollouts/{id}");
        Assert.Equal("completed", rollout["state"]!.GetValue<string>());
        Assert.Equal(2, rollout["classes"]!.AsArray().Count);
        JsonNode device1 = await controller.GetAsync("devices/dev-1");
        Assert.Equal(digest.ToString(), device1["models"]!["fashion"]!["active"]!.GetValue<string>());
        JsonNode assignment = Assert.Single((await controller.GetAsync("assignments")).AsArray())!;
        Assert.Equal(digest.ToString(), assignment["digest"]!.GetValue<string>());
    }

    private static async Task<byte[]> FetchAsync(ScriptedDevice device, Digest digest)
    {
        Wire.Artifacts.ArtifactsClient client = new(device.Channel());
        Wire.GetManifestResponse manifest = await client.GetManifestAsync(new Wire.GetManifestRequest { Digest = digest.ToString() });
        Assert.Equal(digest, EdgeFleet.Trust.Envelopes.DsseEnvelope.Parse(manifest.Envelope.Span).DigestOf());
        using AsyncServerStreamingCall<Wire.FetchChunk> call = client.Fetch(new Wire.FetchRequest { Digest = Digest.Of(TestArtifacts.Model("v1")).ToString() });
        using MemoryStream content = new();
        await foreach (Wire.FetchChunk chunk in call.ResponseStream.ReadAllAsync())
        {
            chunk.Data.WriteTo(content);
        }
        return content.ToArray();
    }
}
