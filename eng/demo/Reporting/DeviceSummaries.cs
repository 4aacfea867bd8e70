using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;

namespace EdgeFleet.Demo.Reporting;

/// <summary>The devices of summary.json, from what they last reported.</summary>
internal static class DeviceSummaries
{
    public static async Task<IReadOnlyList<JsonNode>> ReadAsync(LocalFleet fleet, CancellationToken cancellationToken) =>
    [
        .. (await fleet.DeviceListAsync(cancellationToken)).Select(device => new JsonObject
        {
            ["id"] = device["id"]?.ToString(),
            ["hardwareClass"] = device["hardwareClass"]?.ToString(),
            ["active"] = device["models"]?[LocalFleet.Model]?["active"]?.ToString(),
            ["previous"] = device["models"]?[LocalFleet.Model]?["previous"]?.ToString(),
            ["generation"] = device["generation"]?.DeepClone(),
        }),
    ];
}
