using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Processes;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>A bad candidate is refused at the door, and stopped by the gate when someone insists.</summary>
internal static class HarmPart
{
    public static Part Create() => new(4, "A candidate with 3-bit weights", "publishing refuses it; with --override the gate stops it before any device serves it");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        string bundle = await fleet.SignAsync("harmed-3bit", CompressPart.ModelFile(fleet, "harmed-3bit"), CompressPart.EvidenceFile(fleet, "harmed-3bit"), fleet.Published["baseline"], cancellationToken);
        CommandResult refused = await fleet.Commands.RunAsync(["artifact", "push", bundle], cancellationToken);
        report.Say(refused.Errors);
        part.Expect(refused.ExitCode == 1, $"publishing without --override ended with code {refused.ExitCode}");

        (await fleet.Commands.RunAsync(["artifact", "push", bundle, "--override", "demo: show that the gate stops it"], cancellationToken)).Json("push with override");
        string candidate = fleet.Published["harmed-3bit"];
        // A device that serves it for a moment would say so in its deployment record; the runners are asked all the time.
        using CancellationTokenSource watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<IReadOnlyList<string>> servers = WatchAsync(fleet, candidate, watching.Token);
        string rollout = await fleet.ApplyAsync(LocalFleet.RolloutFile, "fashion-harmed", candidate, cancellationToken);
        RolloutStatus status = await fleet.FollowAsync(rollout, TimeSpan.FromSeconds(120), cancellationToken);
        await watching.CancelAsync();
        IReadOnlyList<string> served = await servers;

        report.Say($"{status.State}: {status.Reason}");
        part.Expect(status.State == "rolledBack", $"the rollout ended as {status.State}: {status.Reason}");
        part.Expect(served.Count == 0, $"it was activated on {string.Join(", ", served)}");
        part.Measured("devices that served the harmed candidate", served.Count, "devices", "slots.json of every device, read throughout");
        part.Seen = $"publishing refused it (exit code {refused.ExitCode}); pushed with --override, the gate ended the rollout as {status.State}; {served.Count} devices served it";
    }

    private static async Task<IReadOnlyList<string>> WatchAsync(LocalFleet fleet, string digest, CancellationToken cancellationToken)
    {
        HashSet<string> seen = [];
        while (!cancellationToken.IsCancellationRequested)
        {
            foreach (LocalDevice device in fleet.Devices)
            {
                string slots = Path.Combine(device.State, "models", LocalFleet.Model, "slots.json");
                try
                {
                    if (JsonNode.Parse(await File.ReadAllTextAsync(slots, CancellationToken.None))?["active"]?.ToString() == digest)
                    {
                        seen.Add(device.Id);
                    }
                }
                catch (IOException)
                {
                    // Being replaced at this moment; the next look comes in 20 ms.
                }
            }
            await Task.Delay(20, CancellationToken.None);
        }
        return [.. seen];
    }
}
