using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary><c>edgefleet rollout plan|apply|list|show|watch|explain|export|retry|approve|pause|resume|abort</c>.</summary>
internal static class RolloutCommand
{
    private static readonly Argument<string> s_id = new("rollout") { Description = "Rollout id, or a name: the one that runs, else the newest of that name." };

    public static Command Create() => new("rollout", "One candidate across the fleet, in stages behind the gate.")
    {
        CreatePlan(), CreateApply(), CreateList(), CreateShow(), CreateWatch(),
        ExplainCommand.CreateExplain(), ExplainCommand.CreateExport(),
        CreateRetry(),
        CreateAct("approve", "Let a rollout that waits for a person go on.", reasonRequired: false),
        CreateAct("pause", "Stop offering the candidate to more devices; what runs goes on running.", reasonRequired: false),
        CreateAct("resume", "Go on after a pause.", reasonRequired: false),
        CreateAct("abort", "End the rollout and take the candidate back from every device of it. Again: wait no longer for devices that do not follow.", reasonRequired: true),
    };

    private static Option<string[]> SetOption() => new("--set") { Description = "key=value for ${key} in the file; repeat for more." };

    private static Option<FileInfo?> PolicyOption() => new("--policy", "-p") { Description = "A policy (kind: Policy) to use instead of the one that the file names." };

    private static Command CreatePlan()
    {
        Argument<string> subject = new("spec|rollout") { Description = "A rollout file, or the id or name of a rollout that is there." };
        Option<string[]> set = SetOption();
        Option<FileInfo?> policy = PolicyOption();
        Option<bool> devices = new("--devices") { Description = "Every device with the stages that take it, however many there are." };
        Command command = new("plan", """
            Say before the start what each hardware class is asked: how many devices and how much time its margins need, for a perfect
            candidate, one like the baseline and one that uses half of its margin; which devices each stage takes; and what would keep
            a class from ever being promoted. Changes nothing. What earlier rollouts measured is used and named; the rest is assumed
            and said.
              edgefleet rollout plan fleet/rollouts/staged.yaml --set candidate=sha256:…
              edgefleet rollout plan r7
            """) { subject, set, policy, devices };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            string named = parsed.GetRequiredValue(subject);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode plan = File.Exists(named)
                ? await controller.PostTextAsync("rollouts/plan", await ReadSpecAsync(named, parsed.GetValue(set), parsed.GetValue(policy), cancellationToken), "application/yaml", cancellationToken)
                : named.EndsWith(".yaml", StringComparison.Ordinal) || named.EndsWith(".yml", StringComparison.Ordinal) || named.Contains('/', StringComparison.Ordinal)
                ? throw new CommandFailedException(ExitCode.WrongUsage, $"'{named}' is not there")
                : await controller.GetAsync($"rollouts/{Uri.EscapeDataString(named)}/plan", cancellationToken);
            PlanView.Print(plan, parsed.GetValue(devices), output);
            output.Json(plan);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<string> ReadSpecAsync(string file, string[]? set, FileInfo? policyFile, CancellationToken cancellationToken)
    {
        string path = Path.GetFullPath(file);
        string yaml = FileVariables.Fill(await File.ReadAllTextAsync(path, cancellationToken), set ?? [], path);
        RolloutFile.Check(yaml, path);
        return policyFile is null ? yaml : RolloutFile.WithPolicy(yaml, path, await File.ReadAllTextAsync(policyFile.FullName, cancellationToken), policyFile.FullName);
    }

    private static Command CreateApply()
    {
        Option<FileInfo> file = new("--file", "-f") { Description = "A rollout (kind: Rollout) in YAML; --set changes single values.", Required = true };
        Option<string[]> set = SetOption();
        Option<FileInfo?> policy = PolicyOption();
        Option<bool> wait = new("--wait") { Description = "Watch it to its end; exit 1 when it does not complete." };
        Option<bool> dryRun = new("--dry-run") { Description = "Say what it would do, device by device, or why it would be refused; change nothing." };
        Command command = new("apply", """
            Start a rollout, and say before what it will do: which devices in which stages, with how much evidence at least.
              edgefleet rollout apply -f fleet/examples/fashion/rollout.yaml --set candidate=sha256:… --dry-run
            """) { file, set, policy, wait, dryRun };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            string yaml = await ReadSpecAsync(parsed.GetRequiredValue(file).FullName, parsed.GetValue(set), parsed.GetValue(policy), cancellationToken);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode plan = await controller.PostTextAsync("rollouts/plan", yaml, "application/yaml", cancellationToken);
            PlanView.Print(plan, parsed.GetValue(dryRun), output);
            if (parsed.GetValue(dryRun))
            {
                output.Line("nothing was changed");
                output.Json(plan);
                return ExitCode.Done;
            }
            JsonNode reply = await controller.PostTextAsync("rollouts", yaml, "application/yaml", cancellationToken);
            output.Line($"rollout {reply.Text("id")} has started; 'edgefleet rollout watch {reply.Text("id")}' shows it");
            if (parsed.GetValue(wait))
            {
                return await RolloutWatch.RunAsync(controller, reply.Text("id"), output, cancellationToken);
            }
            reply["plan"] = plan.DeepClone();
            output.Json(reply);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        Command command = new("list", "List rollouts, newest first.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonArray items = (await controller.GetAsync("rollouts", cancellationToken)).Items();
            output.Table(["ROLLOUT", "NAME", "MODEL", "CANDIDATE", "STATE", "STAGE", "REASON"], items.OfType<JsonNode>().Select(item => new[]
            {
                item.Text("id"), item.Text("name"), item.Text("model"), JsonReading.Short(item.Text("candidate")), RolloutView.State(item), item.Text("stage"), item.Text("reason"),
            }));
            output.Json(items);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateShow()
    {
        Command command = new("show", "Show a rollout: stages, classes, devices with their phases and the reasons.") { s_id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode rollout = await RolloutView.ReadAsync(controller, parsed.GetRequiredValue(s_id), output, cancellationToken);
            RolloutView.Print(rollout, output);
            output.Json(rollout);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateWatch()
    {
        Command command = new("watch", "Follow a rollout to its end; exits 1 when it does not complete.") { s_id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ControllerClient controller = ControllerConnection.Open(parsed);
            return await RolloutWatch.RunAsync(controller, parsed.GetRequiredValue(s_id), Output.Of(parsed), cancellationToken);
        });
        return command;
    }

    private static Command CreateRetry()
    {
        Command command = new("retry", "Begin a rollout that is over again, as it was, with the next attempt: what was taken back is refused until somebody says so.") { s_id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode reply = await controller.PostAsync($"rollouts/{Uri.EscapeDataString(parsed.GetRequiredValue(s_id))}/retry", null, cancellationToken);
            output.Line($"rollout {reply.Text("id")} has started as attempt {reply.Text("attempt")}; 'edgefleet rollout watch {reply.Text("id")}' shows it");
            output.Json(reply);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateAct(string act, string description, bool reasonRequired)
    {
        Option<string?> reason = new("--reason") { Description = "Why; goes to the audit log.", Required = reasonRequired };
        Command command = new(act, description) { s_id, reason };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode reply = await controller.PostAsync(
                $"rollouts/{Uri.EscapeDataString(parsed.GetRequiredValue(s_id))}/{act}", new JsonObject { ["reason"] = parsed.GetValue(reason) }, cancellationToken);
            // The act is taken up by the rollout's next look at the fleet, so the state of this moment would say the opposite.
            string next = act == "abort" ? $"; 'edgefleet rollout watch {reply.Text("id")}' shows the devices go back" : "";
            output.Line($"{reply.Text("id")}: {reply.Text("message")}{next}");
            output.Json(reply);
            return ExitCode.Done;
        });
        return command;
    }
}
