using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Artifacts;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary><c>edgefleet rollback MODEL</c>: the one command for the night.</summary>
internal static class RollbackCommand
{
    private static readonly Argument<string> s_model = new("model") { Description = "The model to take back." };
    private static readonly Option<string?> s_from = new("--from") { Description = "The digest to take back, also one that only devices know. Default: what a running rollout brings, else the newest that was activated." };
    private static readonly Option<string?> s_to = new("--to") { Description = "The digest to put back, on devices that hold it or have served it before. What was taken back before is barred no longer then. Default: each device's previous one, or its first where that was taken back." };
    private static readonly Option<string?> s_selector = new("--selector", "-l") { Description = "Only devices that match." };
    private static readonly Option<string> s_reason = new("--reason") { Description = "Why; goes to the audit log.", DefaultValueFactory = _ => "operator rollback" };
    private static readonly Option<bool> s_noWait = new("--no-wait") { Description = "Return as soon as the controller has taken the order." };
    private static readonly Option<TimeSpan?> s_timeout = CheckedOption.Duration("--timeout", "How long to wait.", TimeSpan.FromMinutes(5));

    public static Command Create()
    {
        Command command = new("rollback", """
            Put the fleet back: a running rollout of the model is stopped and its candidate taken back, else the digest that was
            activated last. Every device that serves it goes to its previous digest, without a download, and newcomers no longer
            get it. Nobody goes to a digest that was taken back itself, unless --to names it. Waits until every device that is on
            line says that it serves the older digest; exits 1 while any device remains. Run it again and those that remain are
            told again; once all are back it changes nothing.
              edgefleet rollback fashion
            """) { s_model, s_from, s_to, s_selector, s_reason, s_noWait, s_timeout };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        using ControllerClient controller = ControllerConnection.Open(parsed);
        Stopwatch watch = Stopwatch.StartNew();
        JsonNode rollback = await controller.PostAsync("rollbacks", new JsonObject
        {
            ["model"] = parsed.GetRequiredValue(s_model),
            ["from"] = parsed.GetValue(s_from) is { } from ? ArtifactReference.Resolve(from).ToString() : null,
            ["to"] = parsed.GetValue(s_to) is { } to ? ArtifactReference.Resolve(to).ToString() : null,
            ["selector"] = parsed.GetValue(s_selector),
            ["reason"] = parsed.GetValue(s_reason),
        }, cancellationToken);
        output.Note($"taking back {rollback.Text("model")} {JsonReading.Short(rollback.Text("from"))} on {rollback.List("devices").Count()} device(s)");
        if (parsed.GetValue(s_noWait))
        {
            output.Line($"ordered as rollback {rollback.Text("id")}");
            output.Json(rollback);
            return ExitCode.Done;
        }

        List<JsonNode> untouched = [.. rollback.List("untouched")];
        if (rollback["stopped"] is not null)
        {
            output.Line($"rollout {rollback.Text("stopped")} is stopped");
        }
        if (rollback.Flag("lifted"))
        {
            output.Line($"{rollback.Text("to")} was taken back before; it is barred no longer, and the next rollback without --from takes it back");
        }
        foreach (JsonNode unknown in rollback.List("unknown"))
        {
            output.Line($"{unknown.Text("devices")} device(s) say that they serve {unknown.Text("digest")}, which this controller never published nor ordered; it is taken back only with --from");
        }
        foreach (JsonNode device in rollback.List("withdrawn"))
        {
            output.Line($"{device.GetValue<string>()} serves nothing yet and is no longer told to fetch {JsonReading.Short(rollback.Text("from"))}");
        }
        if (!rollback.List("devices").Any() && untouched.Count == 0)
        {
            output.Line($"nothing to do: no device serves {rollback.Text("from")}{(rollback.Flag("barred") ? "; newcomers do not get it either" : "")}");
            output.Json(rollback);
            return ExitCode.Done;
        }
        JsonNode progress = await WaitAsync(controller, rollback.Text("id"), watch, parsed.GetValue(s_timeout)!.Value, output, cancellationToken);
        List<JsonNode> devices = [.. progress.List("devices")];
        List<JsonNode> remaining = [.. devices.Where(device => device.Text("state") != "done")];
        output.Table(["DEVICE", "STATE", "SERVES", "AFTER"], devices.Where(device => devices.Count <= 40 || device.Text("state") != "done").Select(device => new[]
        {
            device.Text("id"), device.Text("state"), JsonReading.Short(device.Text("active")), JsonReading.Seconds(device.Number("elapsedMs")),
        }));
        foreach (JsonNode device in untouched)
        {
            output.Line($"{device.Text("id")} {device.Text("detail")} and is left as it is; it serves {device.Text("active")}");
        }
        if (untouched.Count > 0)
        {
            progress["untouched"] = rollback["untouched"]!.DeepClone();
        }
        foreach (JsonNode device in remaining.Where(device => device.Text("state") == "failed"))
        {
            output.Line($"{device.Text("id")} could not go back: {device.Text("detail")}");
        }
        output.Line(RollbackSentence.Write(devices, untouched.Count, rollback["to"]?.GetValue<string>() ?? "the previous digest", progress.Number("slowestMs")));
        output.Line(RollbackSentence.Newcomers(rollback));
        foreach (string field in (string[])["stopped", "lifted", "barred", "newcomers"])
        {
            if (rollback[field] is { } value)
            {
                progress[field] = value.DeepClone();
            }
        }
        output.Json(progress);
        return remaining.Count + untouched.Count == 0 ? ExitCode.Done : ExitCode.VerdictIsNo;
    }

    private static async Task<JsonNode> WaitAsync(
        ControllerClient controller, string id, Stopwatch watch, TimeSpan timeout, Output output, CancellationToken cancellationToken)
    {
        int last = -1;
        while (true)
        {
            JsonNode progress = await controller.GetAsync($"rollbacks/{id}?waitMs=1000", cancellationToken);
            List<JsonNode> devices = [.. progress.List("devices")];
            int done = devices.Count(device => device.Text("state") == "done");
            if (done != last)
            {
                output.Note($"{watch.Elapsed.TotalSeconds,6:0.00} s  {done} of {devices.Count} device(s) are back");
                last = done;
            }
            // Those that are off line cannot be waited for: they are listed, and go back when they return.
            if (progress.Flag("done") || devices.All(device => device.Text("state") is "done" or "offline" or "failed") || watch.Elapsed > timeout)
            {
                return progress;
            }
        }
    }
}
