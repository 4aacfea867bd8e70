using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Processes;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>A good candidate everywhere, then the one command that puts the fleet back.</summary>
internal static class RollbackPart
{
    public static Part Create() => new(5, "A good candidate fully rolled out, then edgefleet rollback fashion", "every device is back on its previous digest; the second rollback changes nothing");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        string candidate = await GoodCandidate.PublishAsync(fleet, "retrained", "int8.yaml", cancellationToken);
        Dictionary<string, string> before = await ActiveAsync(fleet, cancellationToken);
        string rollout = await fleet.ApplyAsync(LocalFleet.RetrainedFile, "fashion-retrained", candidate, cancellationToken);
        RolloutStatus status = await fleet.FollowAsync(rollout, TimeSpan.FromSeconds(150), cancellationToken);
        Dictionary<string, string> during = await ActiveAsync(fleet, cancellationToken);
        List<string> took = [.. during.Where(pair => pair.Value == candidate).Select(pair => pair.Key)];
        part.Expect(status.State == "completed", $"the rollout ended as {status.State}: {status.Reason}");
        part.Expect(took.Count > 0, "no device took the candidate");

        Stopwatch watch = Stopwatch.StartNew();
        CommandResult result = await fleet.Commands.RunAsync(["rollback", LocalFleet.Model], cancellationToken);
        TimeSpan command = watch.Elapsed;
        JsonNode rollback = result.Json("rollback");
        Dictionary<string, string> after = await ActiveAsync(fleet, cancellationToken);
        List<string> astray = [.. took.Where(device => after[device] != before[device])];
        part.Expect(astray.Count == 0, $"not on the previous digest: {string.Join(", ", astray)}");

        CommandResult twice = await fleet.Commands.RunAsync(["rollback", LocalFleet.Model, "--from", candidate], cancellationToken);
        Dictionary<string, string> again = await ActiveAsync(fleet, cancellationToken);
        part.Expect(twice.ExitCode == 0 && after.All(pair => again[pair.Key] == pair.Value), $"the second rollback changed something (exit code {twice.ExitCode}: {twice.Errors})");

        double slowest = rollback["slowestMs"]?.GetValue<double>() ?? double.NaN;
        report.Table(["device", "served", "serves again", "after"], (rollback["devices"] as JsonArray ?? []).OfType<JsonNode>().Select(device => new[]
        {
            device["id"]!.ToString(), during[device["id"]!.ToString()][7..19], after[device["id"]!.ToString()][7..19],
            device["elapsedMs"]?.GetValue<double>().ToString("0 ms", CultureInfo.InvariantCulture) ?? "-",
        }));
        part.Measured("devices taken back", took.Count - astray.Count, "devices", "reported by the devices");
        part.Measured("slowest device", slowest, "ms", "controller: from the order to the device's report that it serves the previous digest");
        part.Measured("the whole command", command.TotalMilliseconds, "ms", "wall clock around edgefleet rollback, start of the process included");
        part.Seen = string.Create(CultureInfo.InvariantCulture, $"{took.Count - astray.Count} of {took.Count} devices are back, the slowest after {slowest:0} ms; a second rollback changed nothing");
    }

    private static async Task<Dictionary<string, string>> ActiveAsync(LocalFleet fleet, CancellationToken cancellationToken) =>
        (await fleet.DeviceListAsync(cancellationToken)).ToDictionary(device => device["id"]!.ToString(), device => device["models"]?[LocalFleet.Model]?["active"]?.ToString() ?? "");
}
