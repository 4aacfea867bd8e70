using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>Eight unprovisioned devices become members of the fleet and get their first model.</summary>
internal static class InstallPart
{
    public static Part Create() => new(1, "Enrol 8 devices and install the baseline", "8 devices in 2 hardware classes serve the fp32 baseline");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        report.Say("the controller gets the public release key only; it starts with its own mosquitto on free ports");
        await fleet.StartAndEnrollAsync(cancellationToken);
        await fleet.PublishAsync("baseline", Path.Combine(fleet.Layout.Example, "fashion_resnet8.onnx"), null, null, cancellationToken);
        string rollout = await fleet.ApplyAsync(LocalFleet.InstallFile, "install", fleet.Published["baseline"], cancellationToken);
        RolloutStatus status = await fleet.FollowAsync(rollout, TimeSpan.FromSeconds(90), cancellationToken);

        await fleet.StartApplicationsAsync(requestsPerSecond: 40, cancellationToken);

        IReadOnlyList<JsonNode> devices = await fleet.DeviceListAsync(cancellationToken);
        report.Table(["device", "hardware class", "serves"], devices.Select(device => new[]
        {
            device["id"]!.ToString(), device["hardwareClass"]?.ToString() ?? "-", device["models"]?[LocalFleet.Model]?["active"]?.ToString() ?? "-",
        }));
        int serving = devices.Count(device => device["models"]?[LocalFleet.Model]?["active"]?.ToString() == fleet.Published["baseline"]);
        int classes = devices.Select(device => device["hardwareClass"]?.ToString()).Distinct().Count();
        part.Expect(status.State == "completed", $"the rollout ended as {status.State}: {status.Reason}");
        part.Expect(serving == fleet.Devices.Count, $"{serving} of {fleet.Devices.Count} devices serve the baseline");
        part.Expect(classes >= 2, $"{classes} hardware class");
        part.Measured("devices serving the baseline", serving, "devices", "reported by the devices");
        part.Measured("hardware classes", classes, "classes", "reported by the devices");
        part.Measured("baseline size", new FileInfo(Path.Combine(fleet.Layout.Example, "fashion_resnet8.onnx")).Length, "bytes", "file");
        part.Seen = string.Create(CultureInfo.InvariantCulture, $"{serving} devices in {classes} hardware classes serve the baseline");
    }
}
