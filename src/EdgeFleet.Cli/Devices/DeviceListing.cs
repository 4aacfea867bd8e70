using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;

namespace EdgeFleet.Cli.Devices;

/// <summary>Devices page by page, and their columns.</summary>
internal static class DeviceListing
{
    private const int PageSize = 500;

    public static async Task<List<JsonNode>> AllAsync(ControllerClient controller, string? selector, CancellationToken cancellationToken)
    {
        List<JsonNode> all = [];
        string after = "";
        while (true)
        {
            string query = $"devices?limit={PageSize}&after={Uri.EscapeDataString(after)}"
                + (string.IsNullOrEmpty(selector) ? "" : $"&selector={Uri.EscapeDataString(selector)}");
            List<JsonNode> page = [.. (await controller.GetAsync(query, cancellationToken)).Items().OfType<JsonNode>()];
            all.AddRange(page);
            if (page.Count < PageSize)
            {
                return all;
            }
            after = page[^1].Text("id");
        }
    }

    /// <summary>How many there are, what they are, and how to see those that were left out.</summary>
    public static string Summary(IReadOnlyList<JsonNode> devices, int limit)
    {
        string counts = string.Join(", ", devices.GroupBy(d => d.Text("state"), StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}"));
        string more = limit > 0 && devices.Count > limit ? $"; {devices.Count - limit} not shown: --limit 0 shows all, --selector narrows" : "";
        return $"{devices.Count} device(s){(counts.Length > 0 ? $" ({counts}, {devices.Count(d => d.Flag("online"))} on line)" : "")}{more}";
    }

    public static string Serves(JsonNode device) => device["models"] is JsonObject { Count: > 0 } models
        ? string.Join(", ", models.Select(pair => $"{pair.Key} {JsonReading.Short(pair.Value?.Text("active") ?? "-")}"))
        : "-";

    /// <summary>What a person has to look at; device show has the events that say more.</summary>
    public static string Problems(JsonNode device) => device["problems"] is JsonArray { Count: > 0 } problems ? string.Join(", ", problems) : "-";

    public static string Labels(JsonNode device) => device["labels"] is JsonObject { Count: > 0 } labels
        ? string.Join(",", labels.Select(pair => $"{pair.Key}={pair.Value}"))
        : "-";
}
