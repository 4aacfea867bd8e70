using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>The int8 variant proves itself on the devices and is rolled out where it is better.</summary>
internal static class RolloutPart
{
    public static Part Create() => new(3, "Roll the int8 variant out: bench, shadow, canary, full", "each device commits to int8 or refuses it with its own numbers; nothing fails");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        string candidate = await fleet.PublishAsync("int8", CompressPart.ModelFile(fleet, "int8"), CompressPart.EvidenceFile(fleet, "int8"), fleet.Published["baseline"], cancellationToken);
        string rollout = await fleet.ApplyAsync(LocalFleet.RolloutFile, "fashion-int8", candidate, cancellationToken);
        RolloutStatus status = await fleet.FollowAsync(rollout, TimeSpan.FromSeconds(150), cancellationToken);

        PrintClasses(part, status, report);
        JsonNode explanation = (await fleet.Commands.RunAsync(["rollout", "explain", rollout], cancellationToken)).Json("explain");
        int verdicts = (explanation["verdicts"] as JsonArray)?.Count ?? 0;
        int different = (explanation["verdicts"] as JsonArray ?? []).Count(verdict => verdict?["recomputedEqual"]?.GetValue<bool>() != true);
        report.Say($"explain: {verdicts} verdicts recomputed from what was stored, {different} differ");

        List<DeviceStatus> refused = [.. status.Devices.Where(device => device.Phase == "refused")];
        int committed = status.Devices.Count(device => device.Phase == "committed");
        foreach (DeviceStatus device in refused)
        {
            report.Say($"{device.Id} refused: {device.Detail}");
        }
        part.Expect(status.State is "completed" or "refused", $"the rollout ended as {status.State}: {status.Reason}");
        part.Expect(committed + refused.Count == fleet.Devices.Count, $"{committed} committed and {refused.Count} refused of {fleet.Devices.Count}");
        part.Expect(verdicts > 0 && different == 0, $"{different} of {verdicts} verdicts could not be recomputed");
        part.Measured("devices on int8", committed, "devices", "reported by the devices");
        part.Measured("devices that refused int8", refused.Count, "devices", "reported by the devices");
        part.Measured("verdicts recomputed bit for bit", verdicts - different, "verdicts", "edgefleet rollout explain");
        part.Seen = $"{committed} devices committed, {refused.Count} refused, {verdicts} verdicts recomputed bit for bit";
    }

    private static void PrintClasses(Part part, RolloutStatus status, Report report)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        List<string[]> rows = [];
        foreach (IGrouping<string, DeviceStatus> group in status.Devices.GroupBy(device => device.HardwareClass))
        {
            List<JsonNode> benches = [.. group.Select(device => device.Bench).OfType<JsonNode>()];
            double? Median(Func<JsonNode, JsonNode?> pick)
            {
                List<double> values = [.. benches.Select(pick).OfType<JsonNode>().Select(value => value.GetValue<double>()).Order()];
                return values.Count == 0 ? null : values[values.Count / 2];
            }
            double? ratio = Median(b => b["latency"]?["ratio"]);
            double? before = Median(b => b["latency"]?["baseline"]?["p50"]?["micros"]);
            double? after = Median(b => b["latency"]?["candidate"]?["p50"]?["micros"]);
            double? memory = Median(b => b["memory"]?["candidate"]?["peak"]?["value"]);
            long pairs = group.Sum(device => device.Shadow?["pairs"]?.GetValue<long>() ?? 0);
            long disagreements = group.Sum(device => device.Shadow?["disagreements"]?.GetValue<long>() ?? 0);
            double? agreement = pairs > 0 ? 100.0 * (pairs - disagreements) / pairs : null;
            rows.Add(
            [
                group.Key, $"{group.Count()}", before?.ToString("0.0 µs", culture) ?? "absent", after?.ToString("0.0 µs", culture) ?? "absent", ratio?.ToString("0.000", culture) ?? "absent",
                memory is { } bytes ? (bytes / (1 << 20)).ToString("0.0 MiB", culture) : "absent", agreement?.ToString("0.00 '%'", culture) ?? "-",
            ]);
            if (ratio is { } value)
            {
                if (agreement is { } agreed)
                {
                    part.Measured($"shadow agreement, {group.Key}", agreed, "%", $"{pairs} live inputs through both models on {group.Count()} devices");
                }
                part.Measured($"latency ratio int8/fp32, {group.Key}", value, "ratio", $"paired blocks on {benches.Count} devices, median");
            }
        }
        report.Table(["hardware class", "devices", "fp32 p50", "int8 p50", "ratio", "int8 peak memory", "shadow agreement"], rows);
    }
}
