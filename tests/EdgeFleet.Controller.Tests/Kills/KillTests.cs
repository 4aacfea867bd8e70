using System.Text.Json.Nodes;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Rollouts;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Controllers;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Tests.Kills;

/// <summary>Real processes, killed with -9 after each step that a rollout's timeline shows, and between devices' reports.</summary>
public sealed class KillTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ReleaseKey _releaseKey = ReleaseKey.Create();

    public void Dispose()
    {
        _releaseKey.Dispose();
        _folder.Dispose();
    }

    [Theory, InlineData("controller"), InlineData("broker")]
    public async Task A_rollout_ends_as_it_should_although_one_is_killed_at_every_step_of_its_timeline(string victim)
    {
        await using ControllerProcess controller = await ControllerProcess.StartAsync(_folder["data"], _releaseKey.PublicPem());
        (Digest before, Digest candidate) = await PublishAsync(controller);
        List<LinkedDevice> devices = await EnrollAsync(controller, before, "dev-1", "dev-2");
        List<string> steps = [];
        HashSet<long> epochs = [await EpochAsync(controller)];
        try
        {
            JsonNode created = await controller.PostAsync("rollouts", Spec(candidate), "application/yaml");
            long last = 0;
            bool ended = false;
            while (!ended)
            {
                JsonNode page = await controller.GetAsync($"rollouts/{created["id"]}/events?after={last}&limit=1&waitMs=20000");
                ended = page["ended"]!.GetValue<bool>() && page["items"]!.AsArray().Count == 0;
                last = page["last"]!.GetValue<long>();
                foreach (JsonNode? item in page["items"]!.AsArray())
                {
                    steps.Add(item!["kind"]!.GetValue<string>());
                    await (victim == "controller" ? controller.KillAndStartAsync() : controller.KillBrokerAsync());
                    epochs.Add(await EpochAsync(controller));
                }
            }

            JsonNode rollout = await controller.GetAsync($"rollouts/{created["id"]}");
            Assert.True(rollout["state"]!.GetValue<string>() == "completed", rollout.ToJsonString());
            Assert.True(steps.Count >= 8, $"killed after {string.Join(", ", steps)} only");
            // Each step of the rollout was taken once, whatever was killed in it.
            Assert.Equal(steps.Where(IsStep).Distinct(StringComparer.Ordinal), steps.Where(IsStep));
            await SettleAsync(devices, candidate);
        }
        finally
        {
            await EndAsync(devices);
        }
        Assert.All(devices, device => Assert.Equal([before, candidate], device.Served));
        // One for the first start and one for each kill of the controller: otherwise the rig proves nothing.
        Assert.Equal(victim == "controller" ? steps.Count + 1 : 1, epochs.Count);
        Assert.Empty(await LostAsync(controller, devices));
    }

    [Fact]
    public async Task A_device_that_takes_the_brokers_word_is_seen_to_lose_what_a_killed_controller_had_not_stored()
    {
        await using ControllerProcess controller = await ControllerProcess.StartAsync(_folder["data"], _releaseKey.PublicPem());
        (Digest before, Digest candidate) = await PublishAsync(controller);
        List<LinkedDevice> devices = await EnrollAsync(controller, before, forgetful: true, "dev-1");
        devices.AddRange(await EnrollAsync(controller, before, "dev-2"));
        try
        {
            await controller.KillAsync();
            foreach (LinkedDevice device in devices)
            {
                device.Install(candidate);
            }
            await controller.StartAgainAsync();
            await UntilAsync("the honest device is heard", async () =>
                (await controller.GetAsync("devices/dev-2"))["models"]?["fashion"]?["active"]?.GetValue<string>() == candidate.ToString());
            // Both have linked again and say one thing more; only one of them has said everything.
            foreach (LinkedDevice device in devices)
            {
                device.Install(before);
            }
            foreach (LinkedDevice device in devices)
            {
                await UntilAsync("both are heard again", async () =>
                    (await controller.GetAsync($"devices/{device.Id}"))["models"]?["fashion"]?["active"]?.GetValue<string>() == before.ToString());
            }
        }
        finally
        {
            await EndAsync(devices);
        }

        Assert.Equal(["dev-1"], await LostAsync(controller, devices));
    }

    private static async Task<long> EpochAsync(ControllerProcess controller) => (await controller.GetAsync("health"))["epoch"]!.GetValue<long>();

    /// <summary>What a rollout does once; "verdict" and the like may come more than once by right.</summary>
    private static bool IsStep(string kind) =>
        kind is "created" or "devicesDrawn" || kind.StartsWith("class", StringComparison.Ordinal) || kind.StartsWith("rollout", StringComparison.Ordinal);

    private static string Spec(Digest candidate) => RolloutRig.Spec("[ { bench: {} }, { shadow: {} }, { canary: { devices: 1 } }, { full: {} } ]")
        .Replace(RolloutRig.Candidate.ToString(), candidate.ToString(), StringComparison.Ordinal);

    private async Task<(Digest Before, Digest Candidate)> PublishAsync(ControllerProcess controller)
    {
        Digest before = await TestArtifacts.PublishAsync(controller.Operator, _releaseKey, "v1");
        return (before, await TestArtifacts.PublishVariantAsync(controller.Operator, _releaseKey, "v2", "v1", before));
    }

    private static Task<List<LinkedDevice>> EnrollAsync(ControllerProcess controller, Digest serving, params string[] ids) => EnrollAsync(controller, serving, forgetful: false, ids);

    private static async Task<List<LinkedDevice>> EnrollAsync(ControllerProcess controller, Digest serving, bool forgetful, params string[] ids)
    {
        JsonNode token = await controller.PostAsync("enrollment-tokens", new JsonObject { ["autoApprove"] = true, ["count"] = ids.Length }.ToJsonString());
        List<LinkedDevice> devices = [];
        foreach (string id in ids)
        {
            RigDevice device = new(id, threads: 1);
            device.Install(serving);
            devices.Add(await LinkedDevice.EnrollAsync(controller, device, token["token"]!.GetValue<string>()));
        }
        devices.ForEach(device => device.Start());
        await SettleAsync(devices, serving);
        devices.ForEach(device => device.Forgetful = forgetful);
        return devices;
    }

    /// <summary>Until every device serves the digest and nothing that it said is unacknowledged.</summary>
    private static Task SettleAsync(List<LinkedDevice> devices, Digest serving) => UntilAsync(
        $"every device serves {serving.Short} and is acknowledged",
        () => Task.FromResult(devices.TrueForAll(device => device.IsSettledOn(serving))));

    private static async Task UntilAsync(string what, Func<Task<bool>> so)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (!await so())
        {
            Assert.False(patience.IsCancellationRequested, $"not within a minute: {what}");
            await Task.Delay(20);
        }
    }

    private static async Task EndAsync(List<LinkedDevice> devices)
    {
        foreach (LinkedDevice device in devices)
        {
            await device.DisposeAsync();
        }
    }

    /// <summary>Devices of which the store misses a report that they made.</summary>
    private static async Task<IReadOnlyList<string>> LostAsync(ControllerProcess controller, List<LinkedDevice> devices)
    {
        await controller.KillAsync();
        await using Database store = Database.Open(new DatabaseOptions { File = controller.StoreFile });
        return await store.ReadAsync<IReadOnlyList<string>>(
            session => [.. devices.Where(device => IngestStore.FindContiguous(session, device.Id, 1) < device.LastSeq).Select(device => device.Id)],
            CancellationToken.None);
    }
}
