using System.Text.Json.Nodes;

namespace EdgeFleet.Demo;

/// <summary>The devices of summary.json, from what they last reported.</summary>
internal static class DeviceSummaries
{
    public static async Task<IReadOnlyList<JsonNode>> ReadAsync(DemoFleet fleet, CancellationToken cancellationToken) =>
    [
        .. (await fleet.DeviceListAsync(cancellationToken)).Select(device => new JsonObject
        {
            ["id"] = device["id"]?.ToString(),
            ["hardwareClass"] = device["hardwareClass"]?.ToString(),
            ["active"] = device["models"]?[DemoFleet.Model]?["active"]?.ToString(),
            ["previous"] = device["models"]?[DemoFleet.Model]?["previous"]?.ToString(),
            ["generation"] = device["generation"]?.DeepClone(),
        }),
    ];
}
