using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Webhooks;

/// <summary><c>edgefleet webhook add|list|test|remove</c>.</summary>
internal static class WebhookCommand
{
    private static readonly Argument<string> s_id = new("webhook") { Description = "Its id, as 'webhook list' shows it." };

    public static Command Create() => new("webhook", "Who is told of rollout and device events, wherever alerts are read.")
    {
        CreateAdd(), CreateList(), CreateTest(), CreateRemove(),
    };

    private static Command CreateAdd()
    {
        Argument<string> url = new("url") { Description = "Where events are posted, http or https." };
        Option<string[]> events = new("--event", "-e")
        {
            Description = "Which events; may be given several times. '*' is all, 'rollout.*' and 'device.*' all of a kind, 'rollout.classTakenBack' one.",
            HelpName = "PATTERN", DefaultValueFactory = _ => ["*"], AllowMultipleArgumentsPerToken = true,
        };
        Command command = new("add", """
            Tell an address of events from now on, each as a CloudEvent in JSON, in their order and at least once; what it does not
            take is sent again for seven days, with the same webhook-id. Requests are signed as Standard Webhooks
            (standardwebhooks.com) say; the secret is printed this once.
              edgefleet webhook add https://alerts.example.org/edgefleet --event rollout.* --event device.rolled-back
            """) { url, events };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode made = await controller.PostAsync(
                "webhooks",
                new JsonObject { ["url"] = parsed.GetRequiredValue(url), ["events"] = new JsonArray([.. (parsed.GetValue(events) ?? []).Select(pattern => (JsonNode)pattern)]) },
                cancellationToken);
            output.Line($"{made.Text("id")} is told of {string.Join(", ", made.List("events"))}");
            output.Line($"secret, shown this once: {made.Text("secret")}");
            output.Note($"'edgefleet webhook test {made.Text("id")}' sends one event at once");
            output.Json(made);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        Command command = new("list", "List the webhooks and how far each has been told.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonArray all = (await controller.GetAsync("webhooks", cancellationToken)).Items();
            output.Table(["WEBHOOK", "URL", "EVENTS", "PENDING", "MISSED", "LAST SUCCESS", "PROBLEM"], all.OfType<JsonNode>().Select(item => new[]
            {
                item.Text("id"), item.Text("url"), string.Join(",", item.List("events")), item.Text("pending"), item.Text("missed"), item.Text("lastSuccessAt"), Problem(item),
            }));
            output.Json(all.DeepClone());
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateTest()
    {
        Command command = new("test", "Send one event of type controller.test at once, and say what the receiver answered.") { s_id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            string id = parsed.GetRequiredValue(s_id);
            await controller.PostAsync($"webhooks/{Uri.EscapeDataString(id)}/test", null, cancellationToken);
            output.Line($"{id} took it");
            output.Json(new JsonObject { ["id"] = id, ["taken"] = true });
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateRemove()
    {
        Command command = new("remove", "Tell a webhook no more.") { s_id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            string id = parsed.GetRequiredValue(s_id);
            await controller.DeleteAsync($"webhooks/{Uri.EscapeDataString(id)}", cancellationToken);
            output.Line($"{id} removed");
            output.Json(new JsonObject { ["id"] = id, ["removed"] = true });
            return ExitCode.Done;
        });
        return command;
    }

    private static string Problem(JsonNode item) => item["lastError"] is null ? "-" : $"{item.Text("lastError")} ({item.Text("failures")} in a row, again at {item.Text("retryAt")})";
}
