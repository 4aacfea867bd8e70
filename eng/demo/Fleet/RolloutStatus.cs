using System.Text.Json.Nodes;

namespace EdgeFleet.Demo.Fleet;

/// <summary>A rollout as <c>edgefleet rollout show -o json</c> tells it.</summary>
internal sealed record RolloutStatus(string State, string Reason, IReadOnlyList<ClassStatus> Classes, IReadOnlyList<DeviceStatus> Devices)
{
    /// <summary>The controller does not answer.</summary>
    public static RolloutStatus Unknown { get; } = new("the controller does not answer", "", [], []);

    public bool Ended => State is "completed" or "partlyCompleted" or "refused" or "rolledBack" or "aborted";

    public bool AwaitsApproval => Classes.Any(c => c.State == "awaitingApproval");

    public string Line => $"{State} | {string.Join(", ", Classes.GroupBy(c => $"{c.Stage} {c.State}").Select(g => $"{g.Key} ({g.Count()} of {Classes.Count} classes)"))} | {string.Join(", ", Devices.GroupBy(d => d.Phase).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}"))}";

    public static RolloutStatus Read(JsonNode node) => new(
        node["state"]?.ToString() ?? "",
        node["reason"]?.ToString() ?? "",
        [.. (node["classes"] as JsonArray ?? []).OfType<JsonNode>().Select(c => new ClassStatus(Text(c, "hardwareClass"), Text(c, "state"), Text(c, "stage"), Text(c, "reason")))],
        [.. (node["devices"] as JsonArray ?? []).OfType<JsonNode>().Select(d => new DeviceStatus(Text(d, "id"), Text(d, "hardwareClass"), Text(d, "phase"), Text(d, "code"), Text(d, "detail"), d["bench"], d["shadow"]))]);

    private static string Text(JsonNode node, string name) => node[name]?.ToString() ?? "";
}

internal sealed record ClassStatus(string HardwareClass, string State, string Stage, string Reason);

internal sealed record DeviceStatus(string Id, string HardwareClass, string Phase, string Code, string Detail, JsonNode? Bench, JsonNode? Shadow);
