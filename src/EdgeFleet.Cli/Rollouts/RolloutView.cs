using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>A rollout for a person: what it is, where each hardware class stands, and what each device says.</summary>
internal static class RolloutView
{
    private const int ShownDevices = 60;
    private const int PageSize = 500;

    /// <summary>As much of the rollout as is shown: for a program every device, for a person those that fit a screen.</summary>
    public static async Task<JsonNode> ReadAsync(ControllerClient controller, string idOrName, Output output, CancellationToken cancellationToken)
    {
        JsonNode rollout = await controller.GetAsync($"rollouts/{Uri.EscapeDataString(idOrName)}?devices={(output.IsJson ? PageSize : ShownDevices)}", cancellationToken);
        Tell(idOrName, rollout, output);
        if (output.IsJson && rollout["devices"] is JsonArray devices)
        {
            while (devices.Count < (int)(rollout.Number("deviceCount") ?? 0))
            {
                string path = $"rollouts/{Uri.EscapeDataString(rollout.Text("id"))}/devices?limit={PageSize}&after={Uri.EscapeDataString(devices[^1]!.Text("id"))}";
                JsonArray page = (await controller.GetAsync(path, cancellationToken)).Items();
                if (page.Count == 0)
                {
                    break;
                }
                foreach (JsonNode? device in page)
                {
                    devices.Add(device?.DeepClone());
                }
            }
        }
        return rollout;
    }

    /// <summary>Says which of several rollouts of a name this is.</summary>
    public static void Tell(string idOrName, JsonNode rollout, Output output)
    {
        string[] others = [.. rollout.List("namesakes").Select(id => id.GetValue<string>())];
        if (others.Length > 0 && idOrName != rollout.Text("id"))
        {
            output.Note($"'{idOrName}' is also the name of {string.Join(", ", others)}; this is {rollout.Text("id")}");
        }
    }

    /// <summary>How many devices are in each phase, over all classes.</summary>
    public static string Phases(JsonNode rollout) => string.Join(", ", rollout.List("classes")
        .SelectMany(c => (c["phases"] as JsonObject ?? []).Select(phase => (phase.Key, Count: phase.Value?.GetValue<int>() ?? 0)))
        .GroupBy(phase => phase.Key, StringComparer.Ordinal).Select(g => $"{g.Sum(phase => phase.Count)} {g.Key}"));

    /// <summary>The state of a rollout or of one of its classes, in words.</summary>
    public static string State(JsonNode item) => item.Text("state") switch
    {
        "awaitingApproval" => "waiting for approval",
        "running" when item.Flag("paused") => "paused",
        var state => state,
    };

    /// <summary>For each class that only a person can move on, what it waits for and how that is done.</summary>
    public static IEnumerable<string> Waits(JsonNode rollout)
    {
        string name = rollout.Text("name");
        if (rollout.Text("state") == "paused")
        {
            yield return $"paused: 'edgefleet rollout resume {name}' goes on, 'edgefleet rollout abort {name} --reason …' takes it back";
        }
        foreach (JsonNode c in rollout.List("classes"))
        {
            string where = $"{c.Text("hardwareClass")}: {c.Text("stage")}";
            if (c.Text("state") == "awaitingApproval")
            {
                yield return $"{c.Text("hardwareClass")}: {c.Text("reason")}: 'edgefleet rollout approve {name}' goes on, 'edgefleet rollout abort {name} --reason …' takes it back";
            }
            else if (c.Text("state") == "inconclusive")
            {
                yield return $"{where} came to no decision in its time and waits for a person: 'edgefleet rollout resume {name}' gives it that time again, "
                    + $"'edgefleet rollout approve {name}' goes on without a verdict, 'edgefleet rollout abort {name} --reason …' takes it back";
            }
        }
    }

    public static void Print(JsonNode rollout, Output output)
    {
        output.Line($"{rollout.Text("id")} {rollout.Text("name")}  {rollout.Text("model")} {JsonReading.Short(rollout.Text("candidate"))}  {State(rollout)}{(rollout.List("classes").Any() ? "" : $": {rollout.Text("reason")}")}");
        output.Table(["HARDWARE CLASS", "STATE", "STAGE", "DEVICES", "ADMITTED"], rollout.List("classes").Select(c => new[]
        {
            c.Text("hardwareClass"), State(c), c.Text("stage"), c.Text("devices"), c.Text("admitted"),
        }));
        // Sentences get lines of their own: one that names every device would squeeze a table's other columns.
        foreach (JsonNode c in rollout.List("classes").Where(c => c.Text("reason") != "-"))
        {
            output.Line($"{c.Text("hardwareClass")}: {c.Text("reason")}");
        }
        foreach (string wait in Waits(rollout))
        {
            output.Line(wait);
        }
        PlanView.PrintClasses(rollout.List("classes").Select(c => c["plan"]).OfType<JsonNode>(), output);
        foreach (JsonNode verdict in rollout.List("current"))
        {
            IEnumerable<JsonNode> thresholds = rollout.List("classes").FirstOrDefault(c => c.Text("hardwareClass") == verdict.Text("hardwareClass"))?.List("thresholds") ?? [];
            foreach (JsonNode metric in verdict.List("metrics").Where(m => m.Number("estimate") is not null))
            {
                output.Line(string.Create(CultureInfo.InvariantCulture,
                    $"{verdict.Text("hardwareClass")}: {metric.Text("metric")} {metric.Number("estimate"):0.##}, threshold {ExplainView.Threshold(metric, thresholds)}"));
            }
            foreach (JsonNode warning in verdict.List("warnings"))
            {
                output.Line($"{verdict.Text("hardwareClass")}: warning: {warning.GetValue<string>()}");
            }
        }
        List<JsonNode> devices = [.. rollout.List("devices").Take(ShownDevices)];
        output.Table(["DEVICE", "HARDWARE CLASS", "PHASE", "LATENCY RATIO", "CODE", "DETAIL"], devices.Select(d => new[]
        {
            d.Text("id"), d.Text("hardwareClass"), d.Text("phase"), Ratio(d["bench"]), d.Text("code"), d.Text("detail"),
        }));
        if (rollout.Number("deviceCount") is { } count && count > devices.Count)
        {
            output.Line($"… and {count - devices.Count} more ({Phases(rollout)} in all); -o json lists every device");
        }
    }

    private static string Ratio(JsonNode? bench)
    {
        JsonNode? latency = bench?["latency"];
        if (latency?.Number("ratio") is not { } ratio)
        {
            return "-";
        }
        CultureInfo culture = CultureInfo.InvariantCulture;
        return latency["interval"] is JsonArray { Count: 2 } ends
            ? string.Create(culture, $"{ratio:0.000} ({ends[0]!.GetValue<double>():0.000} … {ends[1]!.GetValue<double>():0.000})")
            : ratio.ToString("0.000", culture);
    }
}
