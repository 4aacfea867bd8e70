using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>Every verdict of a rollout with its numbers, and whether recomputing it from what was stored gives the same bits.</summary>
internal static class ExplainView
{
    private const int SlicesShown = 3;

    /// <returns>Whether every verdict was recomputed bit for bit.</returns>
    public static bool Print(JsonNode explanation, Output output)
    {
        bool allEqual = true;
        PlanView.PrintClasses(explanation.List("plan"), output);
        foreach (JsonNode entry in explanation.List("verdicts"))
        {
            bool equal = entry.Flag("recomputedEqual");
            bool replayed = entry["replayedEqual"] is null || entry.Flag("replayedEqual");
            allEqual &= equal && replayed;
            JsonNode verdict = entry["verdict"] ?? new JsonObject();
            output.Line($"{verdict.Text("evaluatedAt")}  {verdict.Text("hardwareClass")}  {verdict.Text("stage")}: {verdict.Text("decision")} ({verdict.Text("kind")}), recomputed {(equal ? "bit for bit" : "DIFFERENTLY")}{Replayed(entry, replayed)}");
            output.Line($"    {verdict.Text("reason")}");
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
        return allEqual;
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
