using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EdgeFleet.Cli.Connection;

/// <summary>Reads the controller's documents for display. A field that an older controller does not have is shown as a dash.</summary>
internal static class JsonReading
{
    public static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static string Text(this JsonNode node, string name) => node[name] switch
    {
        null => "-",
        JsonValue value when value.TryGetValue(out string? text) => text.Length == 0 ? "-" : text,
        JsonNode other => other.ToJsonString(),
    };

    public static double? Number(this JsonNode node, string name) =>
        node[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? value.GetValue<double>() : null;

    public static bool Flag(this JsonNode node, string name) => node[name] is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    /// <summary>The list itself, or the list below <c>items</c> of a page.</summary>
    public static JsonArray Items(this JsonNode node) => node as JsonArray ?? node["items"] as JsonArray ?? [];

    public static IEnumerable<JsonNode> List(this JsonNode node, string name) => (node[name] as JsonArray ?? []).OfType<JsonNode>();

    public static string Short(string digest) =>
        digest.StartsWith("sha256:", StringComparison.Ordinal) && digest.Length > 19 ? digest[7..19] : digest;

    public static string Seconds(double? milliseconds) =>
        milliseconds is { } value ? (value / 1000).ToString("0.00 s", CultureInfo.InvariantCulture) : "-";
}
