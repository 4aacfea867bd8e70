using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Processes;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>Eight unprovisioned devices become members of the fleet and get their first model.</summary>
internal static class InstallPart
{
    public static Part Create() => new(1, "Enrol 8 devices and install the baseline", "8 devices in 2 hardware classes serve the fp32 baseline");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        (await fleet.Commands.RunAsync(["keys", "create", "--out", fleet.ReleaseKey], cancellationToken)).Json("release key");
        string trust = Path.Combine(fleet.Layout.ControllerData, "trust");
        Directory.CreateDirectory(trust);
        File.Copy(fleet.ReleaseKey + ".pub", Path.Combine(trust, "release.pub"));
        report.Say("the controller gets the public key only; it starts with its own mosquitto on free ports");
        await fleet.StartControllerAsync(cancellationToken);

        string bundle = Path.Combine(fleet.Layout.Work, "enrol.json");
        (await fleet.Commands.RunAsync(["device", "token", "--count", $"{fleet.Devices.Count}", "--out", bundle], cancellationToken)).Json("token");
        Task<CommandResult>[] enrolling = [.. fleet.Devices.Select(device =>
            fleet.Commands.AgentAsync(["enroll", "--bundle", bundle, "--state", device.State, "--device-id", device.Id, "--threads", $"{device.Threads}"], cancellationToken))];
        await LocalFleet.WaitForAsync("8 devices ask to enrol", TimeSpan.FromSeconds(30), async () =>
            (await fleet.DeviceListAsync(cancellationToken)).Count(device => device["state"]?.ToString() == "pending") == fleet.Devices.Count, cancellationToken);
        (await fleet.Commands.RunAsync(["device", "approve", "--all-pending"], cancellationToken)).Json("approve");
        foreach (CommandResult result in await Task.WhenAll(enrolling))
        {
            part.Expect(result.ExitCode == 0, $"an enrolment ended with code {result.ExitCode}: {result.Errors}");
        }

        foreach (LocalDevice device in fleet.Devices)
        {
            device.StartAgent(fleet.Lease);
        }
        await fleet.PublishAsync("baseline", Path.Combine(fleet.Layout.Example, "fashion_resnet8.onnx"), null, null, cancellationToken);
        string rollout = await fleet.ApplyAsync("install.yaml", "install", fleet.Published["baseline"], "equivalence", cancellationToken);
        RolloutStatus status = await fleet.FollowAsync(rollout, TimeSpan.FromSeconds(90), cancellationToken);

        foreach (LocalDevice device in fleet.Devices)
        {
            device.StartApplication(requestsPerSecond: 20);
        }
        await LocalFleet.WaitForAsync("every application is answered", TimeSpan.FromSeconds(20), () =>
            Task.FromResult(fleet.Devices.All(device => device.LastCount()?["ok"]?.GetValue<long>() > 0)), cancellationToken);

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
