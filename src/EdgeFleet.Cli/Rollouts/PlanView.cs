using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>What a rollout will do, told before it does it.</summary>
internal static class PlanView
{
    private const int ShownNotDrawn = 10;

    /// <param name="everyDevice">The exact devices too, however many they are.</param>
    public static void Print(JsonNode plan, bool everyDevice, Output output)
    {
        output.Line($"{plan.Text("name")}: {plan.Text("model")} to {JsonReading.Short(plan.Text("candidate"))}, strategy {plan.Text("strategy")}, selector {Selector(plan)}");
        output.Table(["HARDWARE CLASS", "DEVICES", "STAGES"], plan.List("classes").Select(c => new[] { c.Text("hardwareClass"), c.Text("devices"), Stages(c) }));
        PrintClasses(plan.List("classes"), output);
        foreach (JsonNode c in plan.List("classes").Where(c => c.List("offLineIds").Any()))
        {
            string[] ids = [.. c.List("offLineIds").Select(id => id.GetValue<string>())];
            int shown = everyDevice ? ids.Length : ShownNotDrawn;
            output.Line($"{c.Text("hardwareClass")}: off line now, so taken last: {string.Join(", ", ids.Take(shown))}{(ids.Length > shown ? $" and {ids.Length - shown} more" : "")}");
        }
        List<JsonNode> notDrawn = [.. plan.List("notDrawn")];
        foreach (JsonNode device in everyDevice ? notDrawn : notDrawn.Take(ShownNotDrawn))
        {
            output.Line($"left out: {device.Text("id")} {device.Text("reason")}");
        }
        if (!everyDevice && notDrawn.Count > ShownNotDrawn)
        {
            output.Line($"left out: {notDrawn.Count - ShownNotDrawn} more; --dry-run lists them");
        }
        if (everyDevice)
        {
            output.Table(["HARDWARE CLASS", "DEVICE"], plan.List("classes").SelectMany(c => c.List("deviceIds").Select(id => new[] { c.Text("hardwareClass"), id.GetValue<string>() })));
        }
    }

    /// <summary>A sentence for each class, and what would keep it from ever being promoted.</summary>
    public static void PrintClasses(IEnumerable<JsonNode> plans, Output output)
    {
        foreach (JsonNode c in plans)
        {
            output.Line($"{c.Text("hardwareClass")}: {c.Text("sentence")}");
            if (c["complaint"] is not null)
            {
                output.Line($"{c.Text("hardwareClass")}: warning: {c.Text("complaint")}");
            }
        }
    }

    private static string Selector(JsonNode plan) => plan.Text("selector") is var text && text == "-" ? "every device" : $"'{text}'";

    private static string Stages(JsonNode plan) => string.Join(" → ", plan.List("stages").Select(stage =>
        $"{stage.Text("stage")} {stage.Text("devices")}{(stage.Flag("approval") ? $" (after {stage.Text("approvalAsked")})" : "")}"));
}
