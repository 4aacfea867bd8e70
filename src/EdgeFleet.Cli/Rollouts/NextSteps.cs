using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Planning;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>What a person does next about a rollout, as command lines, or what there is to wait for and until when.</summary>
internal static class NextSteps
{
    private const int NamedAtMost = 3;

    public static IEnumerable<string> Of(JsonNode rollout, DateTimeOffset now)
    {
        string id = rollout.Text("id");
        switch (rollout.Text("state"))
        {
            case "pending":
                return ["wait: the devices are drawn at the controller's next look at the fleet"];
            case "completed":
                return [$"nothing; should it prove wrong later: {Rollback(rollout)}"];
            case "partlyCompleted":
                return [$"see why the other classes went back, below; {Rollback(rollout)} takes it from the classes that kept it, 'edgefleet rollout retry {id}' tries them all again"];
            case "refused":
                return [$"nothing changed on any device; 'edgefleet rollout show {id}' says why each one refused; publish a candidate that fits them"];
            case "rolledBack":
                return [$"publish a better candidate; 'edgefleet rollout retry {id}' begins this one again, which is right only if the cause lay elsewhere and is gone"];
            case "aborted":
                return [$"'edgefleet rollout retry {id}' begins it again as the next attempt"];
            case "rollingBack":
                return [$"wait until the devices are back ({RolloutView.Phases(rollout)}); 'edgefleet rollout abort {id} --reason …' waits no longer for those that do not follow"];
        }
        List<string> steps = [.. RolloutView.Waits(rollout)];
        foreach (JsonNode c in rollout.List("classes").Where(c => c.Text("state") is "running" or "rollingBack"))
        {
            steps.AddRange(c.Text("state") == "rollingBack" ? [$"{c.Text("hardwareClass")}: wait until its devices are back"] : Running(c, Current(rollout, c), now));
        }
        return steps.Count > 0 ? steps : [$"wait: nothing is asked of a person; 'edgefleet rollout watch {id}' shows what the gate decides"];
    }

    /// <summary>The newest verdict on the stage at which a class is.</summary>
    public static JsonNode? Current(JsonNode rollout, JsonNode c) => rollout.List("current")
        .FirstOrDefault(verdict => verdict.Text("hardwareClass") == c.Text("hardwareClass") && verdict.Number("stageIndex") == c.Number("stageIndex"));

    /// <summary>When the soak of a class's present stage is over; null where the stage has none, or it is over.</summary>
    public static DateTimeOffset? SoakEnds(JsonNode c, DateTimeOffset now) =>
        Stage(c)?.Number("soakSeconds") is > 0 and { } soak && Started(c) + TimeSpan.FromSeconds(soak) is { } ends && ends > now ? ends : null;

    /// <summary>When a class can be through all its stages, if nothing else holds it up.</summary>
    public static DateTimeOffset? Earliest(JsonNode c, DateTimeOffset now)
    {
        double[] least = [.. (c["plan"]?.List("stages") ?? []).Select(stage => stage.Number("leastSeconds") ?? 0)];
        int at = (int)(c.Number("stageIndex") ?? 0);
        if (Started(c) is not { } started || at >= least.Length)
        {
            return null;
        }
        DateTimeOffset through = started + TimeSpan.FromSeconds(least[at]);
        return (through > now ? through : now) + TimeSpan.FromSeconds(least.Skip(at + 1).Sum());
    }

    /// <summary>A moment and how far away it is: a clock alone makes the reader reckon.</summary>
    public static string When(DateTimeOffset moment, DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{moment.UtcDateTime:yyyy-MM-dd HH:mm} UTC (in {HumanTime.Say(moment - now)})");

    private static IEnumerable<string> Running(JsonNode c, JsonNode? verdict, DateTimeOffset now)
    {
        string name = c.Text("hardwareClass");
        if (verdict is null)
        {
            yield return $"{name}: wait: the gate has not judged its {c.Text("stage")} stage yet";
            yield break;
        }
        List<JsonNode> missing = [.. verdict.List("missing")];
        foreach (JsonNode m in missing.Where(m => m.Text("code") == MissingCodes.Amber))
        {
            yield return $"{name}: {m.Text("detail")}: approve nothing now; it goes back by itself if the signs grow";
        }
        if (SoakEnds(c, now) is { } ends)
        {
            yield return $"{name}: wait for the {c.Text("stage")} stage's soak until {When(ends, now)}";
        }
        List<JsonNode> devices = [.. missing.Where(m => m.Text("code") is MissingCodes.DeviceMissing or MissingCodes.DeviceFailed)];
        foreach (JsonNode m in devices.Take(NamedAtMost))
        {
            yield return $"{name}: {m.Text("detail")}: 'edgefleet device show {m.Text("subject")}' says what it last reported";
        }
        if (devices.Count > NamedAtMost)
        {
            yield return $"{name}: and {devices.Count - NamedAtMost} more device(s) that are silent or failed";
        }
        foreach (JsonNode m in missing.Where(m => m.Text("code") is MissingCodes.ShadowAbsent or MissingCodes.Slice or MissingCodes.OtherHardware or MissingCodes.MetricAbsent or MissingCodes.SampleRatio).Take(NamedAtMost))
        {
            yield return $"{name}: look into this, waiting alone does not bring it: {m.Text("detail")}";
        }
        foreach (JsonNode m in missing.Where(m => m.Text("code") is MissingCodes.Calibration or MissingCodes.Metric or MissingCodes.Devices or MissingCodes.Device or MissingCodes.NoDevice or MissingCodes.Pairs or MissingCodes.Requests).Take(NamedAtMost))
        {
            yield return $"{name}: wait: {m.Text("detail")}";
        }
    }

    private static string Rollback(JsonNode rollout) => $"'edgefleet rollback {rollout.Text("model")} --from {rollout.Text("candidate")}'";

    private static JsonNode? Stage(JsonNode c) => (c["plan"]?.List("stages") ?? []).ElementAtOrDefault((int)(c.Number("stageIndex") ?? 0));

    private static DateTimeOffset? Started(JsonNode c) => Moment(c, "stageStartedAt");

    /// <summary>A time that the controller wrote; null where it has not come.</summary>
    public static DateTimeOffset? Moment(JsonNode node, string name) =>
        DateTimeOffset.TryParse(node.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment) ? moment : null;
}
