using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>A rollout for a person: what it is, where each hardware class stands, and what each device says.</summary>
internal static class RolloutView
{
    private const int ShownDevices = 60;

    public static void Print(JsonNode rollout, Output output)
    {
        output.Line($"{rollout.Text("name")}  {rollout.Text("model")} {JsonReading.Short(rollout.Text("candidate"))}  {rollout.Text("state")}: {rollout.Text("reason")}");
        output.Table(["HARDWARE CLASS", "STATE", "STAGE", "REASON"], rollout.List("classes").Select(c => new[]
        {
            c.Text("hardwareClass"), c.Text("state"), c.Text("stage"), c.Text("reason"),
        }));
        List<JsonNode> devices = [.. rollout.List("devices")];
        output.Table(["DEVICE", "HARDWARE CLASS", "PHASE", "LATENCY RATIO", "CODE", "DETAIL"], devices.Take(ShownDevices).Select(d => new[]
        {
            d.Text("id"), d.Text("hardwareClass"), d.Text("phase"), Ratio(d["bench"]), d.Text("code"), d.Text("detail"),
        }));
        if (devices.Count > ShownDevices)
        {
            output.Line($"… and {devices.Count - ShownDevices} more: {string.Join(", ", devices.GroupBy(d => d.Text("phase")).Select(g => $"{g.Count()} {g.Key}"))} in all");
        }
    }

    private static string Ratio(JsonNode? bench)
    {
        if (bench?.Number("latencyRatio") is not { } ratio)
        {
            return "-";
        }
        CultureInfo culture = CultureInfo.InvariantCulture;
        return $"{ratio.ToString("0.000", culture)} ({bench.Number("latencyRatioLow")?.ToString("0.000", culture)} … {bench.Number("latencyRatioHigh")?.ToString("0.000", culture)})";
    }
}
