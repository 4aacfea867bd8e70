using System.Text.Json;
using System.Text.Json.Nodes;

namespace EdgeFleet.Demo.Reporting;

/// <summary>artifacts/demo/summary.json: the demo's outcome for a program.</summary>
internal static class SummaryFile
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static void Write(string path, double seconds, IEnumerable<Part> parts, IEnumerable<JsonNode> devices, IEnumerable<(string Name, int Pid)> processes, int partCount)
    {
        List<Part> all = [.. parts];
        JsonObject summary = new()
        {
            ["ok"] = all.Count == partCount && all.TrueForAll(part => part.Ok),
            ["seconds"] = Math.Round(seconds, 1),
            ["parts"] = new JsonArray([.. all.Select(Describe)]),
            ["devices"] = new JsonArray([.. devices]),
            ["processes"] = new JsonArray([.. processes.Select(process => new JsonObject { ["name"] = process.Name, ["pid"] = process.Pid })]),
        };
        File.WriteAllText(path, summary.ToJsonString(s_indented) + "\n");
    }

    private static JsonNode Describe(Part part) => new JsonObject
    {
        ["id"] = part.Id,
        ["title"] = part.Title,
        ["expected"] = part.Expected,
        ["seen"] = part.Misses.Count == 0 ? part.Seen : $"{part.Seen}; missed: {string.Join("; ", part.Misses)}",
        ["ok"] = part.Ok,
        ["figures"] = new JsonArray([.. part.Figures.Select(figure => new JsonObject
        {
            ["name"] = figure.Name, ["value"] = figure.Value, ["unit"] = figure.Unit, ["source"] = figure.Source,
        })]),
    };
}
