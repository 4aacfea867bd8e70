using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary><c>edgefleet rollout explain|export</c>: why, here or on a machine that has only the file.</summary>
internal static class ExplainCommand
{
    public static Command CreateExplain()
    {
        Argument<string?> id = new("rollout") { Description = "Rollout id, or a name; none with --file.", Arity = ArgumentArity.ZeroOrOne };
        Option<FileInfo?> file = new("--file", "-f") { Description = "A file of 'edgefleet rollout export': everything is computed here, without a controller." };
        Option<bool> all = new("--all") { Description = "Every verdict, not only the last of each class and those that changed something." };
        Command command = new("explain", """
            Say where a rollout stands, what decided it and what to do next; then recompute every verdict from what was stored and show the evidence.
              edgefleet rollout explain story
              edgefleet rollout explain --file r7.evidence.json
            """) { id, file, all };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            (JsonNode rollout, JsonNode explanation) = (parsed.GetValue(id), parsed.GetValue(file)) switch
            {
                (null, { } from) => EvidenceFile.Read(from.FullName, await File.ReadAllTextAsync(from.FullName, cancellationToken)),
                ({ } named, null) => await ReadAsync(parsed, named, inputs: false, output, cancellationToken),
                _ => throw new CommandFailedException(ExitCode.WrongUsage, "give a rollout, or --file FILE"),
            };
            bool allEqual = ExplainView.Print(rollout, explanation, parsed.GetValue(all), DateTimeOffset.UtcNow, output);
            output.Json(explanation);
            return allEqual ? ExitCode.Done : ExitCode.VerdictIsNo;
        });
        return command;
    }

    public static Command CreateExport()
    {
        Argument<string> id = new("rollout") { Description = "Rollout id, or a name." };
        Option<FileInfo?> outFile = new("--out") { Description = "Where to write it. Default: ROLLOUT.evidence.json in this folder." };
        Command command = new("export", "Write every verdict of a rollout with all that it was computed from into one file, which 'rollout explain --file' explains on any machine.") { id, outFile };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            (JsonNode rollout, JsonNode explanation) = await ReadAsync(parsed, parsed.GetRequiredValue(id), inputs: true, output, cancellationToken);
            JsonObject evidence = EvidenceFile.Write(rollout, explanation, DateTimeOffset.UtcNow);
            string path = parsed.GetValue(outFile)?.FullName ?? Path.GetFullPath($"{rollout.Text("id")}.evidence.json");
            await File.WriteAllTextAsync(path, evidence.ToJsonString(), cancellationToken);
            output.Line($"{evidence.List("verdicts").Count()} verdict(s) of {rollout.Text("id")} with their inputs are in '{path}'; 'edgefleet rollout explain --file {path}' needs nothing else");
            output.Json(new JsonObject { ["id"] = rollout.Text("id"), ["file"] = path, ["verdicts"] = evidence.List("verdicts").Count() });
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<(JsonNode Rollout, JsonNode Explanation)> ReadAsync(ParseResult parsed, string idOrName, bool inputs, Output output, CancellationToken cancellationToken)
    {
        using ControllerClient controller = ControllerConnection.Open(parsed);
        JsonNode rollout = await controller.GetAsync($"rollouts/{Uri.EscapeDataString(idOrName)}?devices=0", cancellationToken);
        RolloutView.Tell(idOrName, rollout, output);
        return (rollout, await controller.GetAsync($"rollouts/{Uri.EscapeDataString(rollout.Text("id"))}/explain{(inputs ? "?inputs=true" : "")}", cancellationToken));
    }
}
