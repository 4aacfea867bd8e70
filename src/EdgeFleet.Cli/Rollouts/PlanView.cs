using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Rollouts.Planning;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>What a rollout will do, told before it does it.</summary>
internal static class PlanView
{
    private const int ShownNotDrawn = 10;
    private const int ShownPerStage = 5;

    /// <param name="everyDevice">The exact devices too, however many they are.</param>
    public static void Print(JsonNode plan, bool everyDevice, Output output)
    {
        output.Line($"{plan.Text("name")}: {plan.Text("model")} to {JsonReading.Short(plan.Text("candidate"))}, strategy {plan.Text("strategy")}, selector {Selector(plan)}");
        foreach (JsonNode c in plan.List("classes"))
        {
            output.Line("");
            PrintClass(c, output);
        }
        output.Line("");
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
            output.Line($"left out: {notDrawn.Count - ShownNotDrawn} more; --devices lists them");
        }
        if (everyDevice)
        {
            output.Table(["HARDWARE CLASS", "DEVICE", "STAGES BEFORE THE LAST"], plan.List("classes").SelectMany(c => c.List("deviceIds").Select(id => id.GetValue<string>()).Select(id => new[]
            {
                c.Text("hardwareClass"), id, StagesOf(c, id),
            })));
        }
    }

    /// <summary>What one class needs: a sentence, its metrics, its stages, and what the numbers rest on.</summary>
    private static void PrintClass(JsonNode c, Output output)
    {
        PrintClasses([c], output);
        if (c.List("metrics").Any())
        {
            output.Table(["METRIC", "MARGIN", "NEEDS, IF PERFECT", "IF AS THE BASELINE", "IF HALF THE MARGIN WORSE"], c.List("metrics").Select(m => new[]
            {
                m.Text("metric"), $"{m.Text("margin")} {m.Text("marginUnit")}", Needs(m, "perfect"), Needs(m, "asBaseline"), Needs(m, "halfMargin"),
            }));
        }
        output.Table(["STAGE", "DEVICES", "AT LEAST", "BECAUSE", "BEGINS AFTER"], c.List("stages").Select(stage => new[]
        {
            stage.Text("stage"), Devices(stage), HumanTime.Say(TimeSpan.FromSeconds(stage.Number("leastSeconds") ?? 0)), stage.Text("because"),
            stage.Flag("approval") ? stage.Text("approvalAsked") : "-",
        }));
        foreach (JsonNode note in c.List("notes"))
        {
            output.Line($"  {note.GetValue<string>()}");
        }
    }

    private static string Devices(JsonNode stage)
    {
        string[] ids = [.. stage.List("deviceIds").Select(id => id.GetValue<string>())];
        return stage.Text("devices") + (ids.Length is > 0 and <= ShownPerStage ? $": {string.Join(", ", ids)}" : "");
    }

    private static string Needs(JsonNode metric, string which) =>
        metric.Number(which) is { } number ? FormattableString.Invariant($"{number:0} {metric.Text("observation")}{(number == 1 ? "" : "s")}")
        : metric.Text("observation") == "device" ? "more than the class has" : "more than can be";

    private static string StagesOf(JsonNode c, string device) => string.Join(", ", c.List("stages")
        .Where(stage => stage.List("deviceIds").Any(id => id.GetValue<string>() == device)).Select(stage => stage.Text("stage")));

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
}
