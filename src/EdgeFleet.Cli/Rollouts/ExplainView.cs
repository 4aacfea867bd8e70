using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>Where a rollout stands and why; then its verdicts with their numbers, and whether recomputing each from what was stored gives the same bits.</summary>
internal static class ExplainView
{
    private const int SlicesShown = 3;

    private const int DifferencesShown = 5;

    /// <returns>Whether no verdict came out otherwise than it was stored.</returns>
    public static bool Print(JsonNode rollout, JsonNode explanation, bool all, DateTimeOffset now, Output output)
    {
        List<JsonNode> entries = [.. explanation.List("verdicts")];
        foreach (string line in ExplainSummary.Write(rollout, entries, now))
        {
            output.Line(line);
        }
        output.Line("");
        PlanView.PrintClasses(explanation.List("plan"), output);
        int left = 0;
        foreach ((JsonNode entry, int place) in entries.Select((entry, place) => (entry, place)))
        {
            if (all || IsShown(entry, entries, place))
            {
                PrintEntry(entry, output);
            }
            else
            {
                left++;
            }
        }
        bool allEqual = Conclude(explanation, entries, output);
        if (left > 0)
        {
            output.Line($"{left} verdict(s) that changed nothing are not shown; --all shows them");
        }
        return allEqual;
    }

    // The last of its class, what moved the class or a device of it, and whatever does not come out as it was stored.
    private static bool IsShown(JsonNode entry, List<JsonNode> entries, int place)
    {
        JsonNode verdict = entry["verdict"] ?? new JsonObject();
        return verdict.Text("decision") != "hold" || Differs(entry) || verdict.List("devices").Any(device => device.Text("decision") == "rollback" || device.List("invariants").Any())
            || !entries.Skip(place + 1).Any(later => later["verdict"]?.Text("hardwareClass") == verdict.Text("hardwareClass"));
    }

    private static bool Differs(JsonNode entry) => entry["notRecomputed"] is null && !entry.Flag("recomputedEqual") || entry["replayedEqual"] is not null && !entry.Flag("replayedEqual");

    private static bool Conclude(JsonNode explanation, List<JsonNode> entries, Output output)
    {
        int differ = entries.Count(Differs);
        int older = entries.Count(entry => entry["notRecomputed"] is not null);
        output.Line($"{entries.Count - differ - older} of {entries.Count} verdict(s) recomputed bit for bit, {differ} DIFFER{(older > 0 ? $", {older} of another build are shown as stored" : "")}");
        if (explanation["damage"] is { } damage)
        {
            output.Line($"DAMAGED: {damage.GetValue<string>()}");
        }
        return differ == 0 && explanation["damage"] is null;
    }

    private static void PrintEntry(JsonNode entry, Output output)
    {
        bool replayed = entry["replayedEqual"] is null || entry.Flag("replayedEqual");
        JsonNode verdict = entry["verdict"] ?? new JsonObject();
        string again = entry["notRecomputed"] is not null ? "NOT recomputed" : $"recomputed {(entry.Flag("recomputedEqual") ? "bit for bit" : "DIFFERENTLY")}";
        output.Line($"{verdict.Text("evaluatedAt")}  {verdict.Text("hardwareClass")}  {verdict.Text("stage")}: {verdict.Text("decision")} ({verdict.Text("kind")}), {again}{Replayed(entry, replayed)}");
        output.Line($"    {verdict.Text("reason")}");
        PrintDifferences(entry, output);
        PrintMetrics(verdict, entry, output);
        PrintSlices(verdict, output);
        foreach (JsonNode device in verdict.List("devices"))
        {
            PrintTakenBack(device, entry, output);
        }
        foreach (JsonNode warning in verdict.List("warnings"))
        {
            output.Line($"    warning: {warning.GetValue<string>()}");
        }
        foreach (JsonNode missing in verdict.List("missing"))
        {
            output.Line($"    missing: {missing.Text("detail")}");
        }
    }

    private static void PrintDifferences(JsonNode entry, Output output)
    {
        if (entry["notRecomputed"] is { } why)
        {
            output.Line($"    {why.GetValue<string>()}");
        }
        List<JsonNode> differences = [.. entry.List("differences")];
        foreach (JsonNode difference in differences.Take(DifferencesShown))
        {
            output.Line($"    DIFFERS: {difference.GetValue<string>()}");
        }
        if (differences.Count > DifferencesShown)
        {
            output.Line($"    and {differences.Count - DifferencesShown} more; -o json has them");
        }
    }

    private static string Replayed(JsonNode entry, bool same) =>
        entry["replayedEqual"] is null ? "" : same ? ", from the devices' reports too" : ", but the stored reports come to OTHER EVIDENCE";

    // A device of a census is decided on its own pairs, and one with a broken invariant on that: what was done to it stands here.
    private static void PrintTakenBack(JsonNode device, JsonNode entry, Output output)
    {
        if (device.List("invariants").FirstOrDefault() is { } broken)
        {
            output.Line($"    device {device.Text("deviceId")} goes back: {broken.Text("kind")} ({broken.Text("detail")})");
        }
        else if (device.Text("decision") == "rollback")
        {
            output.Line($"    device {device.Text("deviceId")} goes back: {device.Text("reason")}");
            PrintMetrics(device, entry, output);
        }
    }

    // The worst few say it; the others are in the document (-o json).
    private static void PrintSlices(JsonNode verdict, Output output)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        List<JsonNode> slices = [.. verdict.List("slices")];
        foreach (JsonNode slice in slices.Take(SlicesShown))
        {
            output.Line(string.Create(culture, $"    slice {slice.Text("name")}={slice.Text("value")}: {slice.Number("disagreementPercent"):0.##} % of {slice.Number("pairs"):0} pairs disagree (up to {slice.Number("thresholdPercent"):0.##} %), log E {slice.Number("harmLogE"):0.000}{(slice.Flag("harmed") ? ": HARMED" : "")}"));
        }
        if (slices.Count > SlicesShown)
        {
            output.Line($"    and {slices.Count - SlicesShown} slice(s) less");
        }
        foreach (JsonNode drift in verdict.List("drift").Where(drift => drift.Number("populationStability") > drift.Number("limit")))
        {
            output.Line(string.Create(culture, $"    {drift.Text("what")} moved: PSI {drift.Number("populationStability"):0.####}, chance alone reaches {drift.Number("limit"):0.####} in one case of a hundred ({drift.Number("rows"):0} answers)"));
        }
    }

    private static void PrintMetrics(JsonNode judged, JsonNode entry, Output output) =>
        output.Table(["    METRIC", "STATE", "ESTIMATE", "THRESHOLD", "log E HARM", "log E PROMOTE", "OBSERVATIONS"], judged.List("metrics").Where(m => m.Text("state") != "informational" || m.Number("estimate") is not null).Select(m => new[]
        {
            "    " + m.Text("metric"), m.Text("state"), Number(m, "estimate"), Threshold(m, entry.List("thresholds")),
            Number(m, "harmLogE"), Number(m, "promotionLogE"), $"{m.Text("promotionObservations")} {m.Text("promotionUnit")}",
        }));

    /// <summary>What the estimate is held against: the margin, and what the baseline's own noise is allowed beside it.</summary>
    public static string Threshold(JsonNode metric, IEnumerable<JsonNode> thresholds)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        JsonNode? threshold = thresholds.FirstOrDefault(t => t.Text("metric") == metric.Text("metric"));
        string margin = $"{metric.Number("margin")?.ToString("0.##", culture)} {metric.Text("marginUnit")}";
        return threshold?.Number("effective") is not { } effective ? $"{margin}, noise not known yet"
            : threshold.Number("noise") is { } noise and not 0 ? string.Create(culture, $"{effective:0.##} = margin {margin} + noise {noise:0.##}")
            : margin;
    }

    private static string Number(JsonNode node, string name) => node.Number(name)?.ToString("0.000", CultureInfo.InvariantCulture) ?? node.Text(name);
}
