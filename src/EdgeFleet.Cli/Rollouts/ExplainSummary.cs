using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Rollouts.Planning;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>Where a rollout stands, what decided it last, and what to do next: for a person who reads nothing else tonight.</summary>
internal static class ExplainSummary
{
    public static IEnumerable<string> Write(JsonNode rollout, IReadOnlyList<JsonNode> entries, DateTimeOffset now)
    {
        yield return $"{rollout.Text("id")} {rollout.Text("name")}: {rollout.Text("model")} to {JsonReading.Short(rollout.Text("candidate"))}, attempt {rollout.Text("attempt")}, by {rollout.Text("createdBy")}: {State(rollout, now)}";
        List<JsonNode> classes = [.. rollout.List("classes")];
        if (classes.Count == 0 && rollout.Text("reason") != "-")
        {
            yield return $"  {rollout.Text("reason")}";
        }
        foreach (JsonNode c in classes)
        {
            foreach (string line in Class(rollout, c, entries, now))
            {
                yield return line;
            }
        }
        yield return "what to do next:";
        foreach (string step in NextSteps.Of(rollout, now))
        {
            yield return $"  {step}";
        }
    }

    /// <summary>A state with its clock: since when, or after how long.</summary>
    public static string State(JsonNode rollout, DateTimeOffset now)
    {
        string state = RolloutView.State(rollout) switch { "partlyCompleted" => "completed in part", "rolledBack" => "rolled back", "rollingBack" => "rolling back", var word => word };
        DateTimeOffset? began = NextSteps.Moment(rollout, "createdAt");
        return NextSteps.Moment(rollout, "endedAt") is { } ended && began is not null
            ? string.Create(CultureInfo.InvariantCulture, $"{state} at {ended.UtcDateTime:yyyy-MM-dd HH:mm} UTC, after {HumanTime.Say(ended - began.Value)}")
            : began is not null ? $"{state}, begun {HumanTime.Say(now - began.Value)} ago" : state;
    }

    private static IEnumerable<string> Class(JsonNode rollout, JsonNode c, IReadOnlyList<JsonNode> entries, DateTimeOffset now)
    {
        string phases = string.Join(", ", (c["phases"] as JsonObject ?? []).Select(phase => $"{phase.Value} {phase.Key}"));
        yield return $"  {c.Text("hardwareClass")}: {RolloutView.State(c)} at stage {c.Text("stage")}; {c.Text("admitted")} of {c.Text("devices")} device(s) taken in ({phases})";
        JsonNode? decided = entries.Select(entry => entry["verdict"]).OfType<JsonNode>()
            .LastOrDefault(v => v.Text("hardwareClass") == c.Text("hardwareClass") && v.Text("decision") != "hold");
        if (decided is not null)
        {
            yield return $"    decided last, {Ago(decided, now)}: {Decision(decided)}: {decided.Text("reason")}";
        }
        // What the gate did not decide itself (a person, another class, the time) stands in the class's own reason.
        string reason = c.Text("reason");
        if (reason != "-" && reason != decided?.Text("reason"))
        {
            yield return $"    now: {reason}";
        }
    }

    private static string Decision(JsonNode verdict) => verdict.Text("decision") switch
    {
        "promote" => $"the {verdict.Text("stage")} stage was passed",
        "rollback" => $"taken back from the {verdict.Text("stage")} stage",
        var other => other,
    };

    private static string Ago(JsonNode verdict, DateTimeOffset now) => NextSteps.Moment(verdict, "evaluatedAt") is { } at
        ? string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd HH:mm} UTC ({HumanTime.Say(now - at)} ago)")
        : "at a time that was not stored";
}
