using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Parts;
using EdgeFleet.Demo.Processes;
using EdgeFleet.Demo.Reporting;

// make demo: the main job with real processes on this machine. Exit code 1 when anything expected was not seen.
Layout layout = Layout.Find();
if (args.Contains("--stop"))
{
    return ProcessFile.StopAll(layout.ProcessList);
}
bool keep = args.Contains("--keep");
ProcessFile.StopAll(layout.ProcessList);
if (Directory.Exists(layout.Root))
{
    Directory.Delete(layout.Root, recursive: true);
}
Directory.CreateDirectory(layout.Logs);
Directory.CreateDirectory(layout.Work);

Report report = new();
using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
(Part Part, Func<Part, LocalFleet, Report, CancellationToken, Task> Run)[] plan =
[
    (InstallPart.Create(), InstallPart.RunAsync),
    (CompressPart.Create(), CompressPart.RunAsync),
    (RolloutPart.Create(), RolloutPart.RunAsync),
    (HarmPart.Create(), HarmPart.RunAsync),
    (RollbackPart.Create(), RollbackPart.RunAsync),
    (FaultPart.Create(), FaultPart.RunAsync),
];

report.Title("EdgeFleet: one model's journey on this machine");
report.Say($"times and sampling of this demo (the product's defaults stay as they are), {Path.GetRelativePath(layout.Repository, layout.Example)}/demo-policy.yaml:");
report.Say(File.ReadAllText(Path.Combine(layout.Example, "demo-policy.yaml")));

Stopwatch watch = Stopwatch.StartNew();
LocalFleet fleet = new(layout, deviceCount: 8, report.Command, report.Progress);
List<Part> ended = [];
IReadOnlyList<JsonNode> devices = [];
try
{
    foreach ((Part part, var run) in plan)
    {
        report.Title(string.Create(CultureInfo.InvariantCulture, $"{part.Id}. {part.Title}  ({watch.Elapsed.TotalSeconds:0} s)"));
        ended.Add(part);
        try
        {
            await run(part, fleet, report, stop.Token);
            part.Ended = true;
        }
        catch (DemoFailedException ex)
        {
            part.Seen = ex.Message;
        }
        ProcessFile.Write(layout.ProcessList, fleet.Processes, fleet.Devices.Select(device => device.Socket));
        report.Outcome(part);
        if (!part.Ended)
        {
            break;
        }
    }
    devices = await DeviceSummaries.ReadAsync(fleet, stop.Token);
}
catch (OperationCanceledException)
{
    report.Say("cancelled");
}
catch (DemoFailedException ex)
{
    report.Say(ex.Message);
}
SummaryFile.Write(layout.Summary, watch.Elapsed.TotalSeconds, ended, devices, fleet.Processes, plan.Length);

report.Title("Summary");
report.Table(["part", "expected", "seen", ""], ended.Select(part => new[] { $"{part.Id}", part.Expected, part.Seen, part.Ok ? "ok" : "NOT ok" }), wrap: true);
report.Say(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:0} s; figures in {Path.GetRelativePath(layout.Repository, layout.Summary)}, logs in {Path.GetRelativePath(layout.Repository, layout.Logs)}/"));

bool ok = ended.Count == plan.Length && ended.TrueForAll(part => part.Ok);
if (keep)
{
    foreach (ManagedProcess process in fleet.Devices.SelectMany(device => device.Processes).Append(fleet.Controller))
    {
        process.Release();
    }
    report.Say($"""
        left running. To look at it:
          export EDGEFLEET_DATA={layout.ControllerData}
          ./edgefleet device list
          ./edgefleet rollout list
        To stop it: make stop-demo
        """);
}
else
{
    await fleet.DisposeAsync();
    File.Delete(layout.ProcessList);
}
return ok ? 0 : 1;
