using System.Text.Json.Nodes;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Rollouts;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Protocol;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Api;

/// <summary>A fleet that fits no screen: pages that miss nobody, and summaries that need no device by device.</summary>
public sealed class LargeFleetTests : IAsyncLifetime
{
    private const int Devices = 1234;
    private readonly TemporaryFolder _folder = new();
    private TestController _controller = null!;
    private Digest _digest;

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync(_folder);
        _digest = await _controller.PublishAsync("v1");
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await _controller.Database.WriteAsync(
            "fleet",
            transaction =>
            {
                for (int i = 0; i < Devices; i++)
                {
                    var facts = DesiredMapping.ToCore(ScriptedDevice.Facts(1 + (i % 3)));
                    DeviceStore.Add(transaction, new DeviceRow
                    {
                        Id = Id(i), State = DeviceStates.Active, SpkiSha256 = $"{i}", HardwareClass = facts.ClassId, Facts = StoreJson.Write(facts),
                    });
                    DeviceStore.SetSeen(transaction, Id(i), now);
                    transaction.Execute(
                        "INSERT INTO slots (device_id, model, active, changed_at) VALUES (@id, 'other', @digest, 0)", new { id = Id(i), digest = _digest.ToString() });
                }
            },
            CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    private static string Id(int i) => $"dev-{i:0000}";

    [Theory, InlineData(500), InlineData(1000), InlineData(7)]
    public async Task Devices_come_page_by_page_each_once_with_what_it_serves(int limit)
    {
        List<string> seen = [];
        JsonArray page;
        do
        {
            page = (await _controller.GetAsync($"devices?limit={limit}&after={(seen.Count > 0 ? seen[^1] : "")}&selector=threads%20==%202")).AsArray();
            Assert.All(page, device => Assert.Equal(_digest.ToString(), device!["models"]!["other"]!["active"]!.GetValue<string>()));
            seen.AddRange(page.Select(device => device!["id"]!.GetValue<string>()));
        }
        while (page.Count == limit);

        Assert.Equal(Enumerable.Range(0, Devices).Where(i => i % 3 == 1).Select(Id), seen);
    }

    [Fact]
    public async Task A_rollout_counts_phases_and_lists_its_devices_page_by_page()
    {
        string spec = RolloutRig.Spec("[ { canary: { devices: 5 } }, { full: {} } ]", "install").Replace(RolloutRig.Candidate.ToString(), _digest.ToString(), StringComparison.Ordinal);
        string id = (await _controller.PostYamlAsync("rollouts", spec))["id"]!.GetValue<string>();
        await _controller.GetAsync($"rollouts/{id}/events?after=1&waitMs=20000");

        JsonNode summary = await _controller.GetAsync($"rollouts/{id}?devices=0");
        Assert.Empty(summary["devices"]!.AsArray());
        Assert.Equal(Devices, summary["deviceCount"]!.GetValue<int>());
        Assert.Equal(Devices, summary["classes"]!.AsArray().Sum(c => c!["phases"]!.AsObject().Sum(phase => phase.Value!.GetValue<int>())));
        Assert.Equal(15, summary["classes"]!.AsArray().Sum(c => c!["phases"]!["offered"]!.GetValue<int>()));
        Assert.Equal(1000, (await _controller.GetAsync($"rollouts/{id}"))["devices"]!.AsArray().Count);

        List<string> seen = [];
        JsonArray page;
        do
        {
            page = (await _controller.GetAsync($"rollouts/{id}/devices?limit=300&after={(seen.Count > 0 ? seen[^1] : "")}")).AsArray();
            seen.AddRange(page.Select(device => device!["id"]!.GetValue<string>()));
        }
        while (page.Count == 300);
        Assert.Equal(Enumerable.Range(0, Devices).Select(Id), seen.Order(StringComparer.Ordinal));
    }
}
