using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Operators;

/// <summary><c>edgefleet operator add|list|remove</c>.</summary>
internal static class OperatorCommand
{
    private static readonly Argument<string> s_name = new("name") { Description = "Who: a person, or a program." };

    public static Command Create() => new("operator", "Who may call the controller, and who may approve what (needs the role admin).")
    {
        CreateAdd(), CreateList(), CreateRemove(),
    };

    private static Command CreateAdd()
    {
        Option<string> role = new("--role")
        {
            Description = "viewer looks; operator runs the fleet; releaser also publishes and starts rollouts; admin also makes operators.",
            Required = true,
        };
        Option<string[]> approves = new("--approves")
        {
            Description = "A role of your own, such as release-manager, in which this operator may approve stages that ask for it; may be given several times.",
            HelpName = "ROLE", AllowMultipleArgumentsPerToken = true,
        };
        Command command = new("add", """
            Make an operator with a token of its own, or replace the token and roles of one. The token is printed this once; the
            controller keeps only its hash. A stage with 'approval: release-manager' begins when an operator with that role approves.
              edgefleet operator add maria --role operator --approves release-manager
            """) { s_name, role, approves };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode made = await controller.PostAsync(
                "operators",
                new JsonObject
                {
                    ["name"] = parsed.GetRequiredValue(s_name),
                    ["role"] = parsed.GetRequiredValue(role),
                    ["approves"] = new JsonArray([.. (parsed.GetValue(approves) ?? []).Select(name => (JsonNode)name)]),
                },
                cancellationToken);
            output.Line($"{made.Text("name")} is {made.Text("role")}{(made.List("approves").Any() ? $" and approves as {Approves(made)}" : "")}");
            output.Line($"token, shown this once: {made.Text("token")}");
            output.Json(made);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        Command command = new("list", "List the operators with their roles.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonArray all = (await controller.GetAsync("operators", cancellationToken)).Items();
            output.Table(["OPERATOR", "ROLE", "APPROVES AS", "SINCE"], all.OfType<JsonNode>().Select(item => new[]
            {
                item.Text("name"), item.Text("role"), item.List("approves").Any() ? Approves(item) : "-", item.Text("createdAt"),
            }));
            output.Json(all.DeepClone());
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateRemove()
    {
        Command command = new("remove", "Take an operator's access away, at once.") { s_name };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            string name = parsed.GetRequiredValue(s_name);
            await controller.DeleteAsync($"operators/{Uri.EscapeDataString(name)}", cancellationToken);
            output.Line($"{name} removed");
            output.Json(new JsonObject { ["name"] = name, ["removed"] = true });
            return ExitCode.Done;
        });
        return command;
    }

    private static string Approves(JsonNode item) => string.Join(", ", item.List("approves").Select(role => role.GetValue<string>()));
}
