using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>A running rollout on one screen: what it needs from a person first, then each class with its evidence as bars.</summary>
internal static class WatchScreen
{
    private const int BarCells = 20;
    private const int Label = 16;
    private const int MissingShown = 3;

    /// <param name="trouble">What keeps the picture from being new; null while it is.</param>
    public static IReadOnlyList<string> Draw(JsonNode rollout, DateTimeOffset now, (int Width, int Height) size, string? trouble = null)
    {
        List<string> lines =
        [
            string.Create(CultureInfo.InvariantCulture, $"{rollout.Text("id")} {rollout.Text("name")}  {rollout.Text("model")} to {JsonReading.Short(rollout.Text("candidate"))}: {ExplainSummary.State(rollout, now)}   {now.UtcDateTime:HH:mm:ss} UTC"),
        ];
        if (trouble is not null)
        {
            lines.Add($"OLD PICTURE: {trouble}");
        }
        lines.Add("what to do next (Ctrl-C leaves; the rollout goes on):");
        lines.AddRange(NextSteps.Of(rollout, now).Select(step => $"  {step}"));
        foreach (JsonNode c in rollout.List("classes"))
        {
            lines.Add("");
            AddClass(rollout, c, now, lines);
        }
        // A command that ends beyond the edge is of no use, so lines are broken, not cut.
        List<string> shown = [.. lines.SelectMany(line => Broken(line, size.Width))];
        return shown.Count <= size.Height
            ? shown
            : [.. shown.Take(size.Height - 1), $"… {shown.Count - size.Height + 1} lines more; 'edgefleet rollout show {rollout.Text("id")}' has them"];
    }

    private static IEnumerable<string> Broken(string line, int width)
    {
        const string Indent = "      ";
        while (line.Length > width)
        {
            int space = line.LastIndexOf(' ', width - 1);
            int at = space > Indent.Length ? space : width;
            yield return line[..at];
            line = Indent + line[at..].TrimStart();
        }
        yield return line;
    }

    private static void AddClass(JsonNode rollout, JsonNode c, DateTimeOffset now, List<string> lines)
    {
        string phases = string.Join(", ", (c["phases"] as JsonObject ?? []).Select(phase => $"{phase.Value} {phase.Key}"));
        lines.Add($"{c.Text("hardwareClass")}: {RolloutView.State(c)}");
        lines.Add(Row("stages", Stages(c)));
        lines.Add(Row("devices", $"{Bar(Share(c.Number("admitted"), c.Number("devices")))} {c.Text("admitted")} of {c.Text("devices")} taken in: {phases}"));
        if (NextSteps.Current(rollout, c) is { } verdict)
        {
            AddEvidence(verdict, lines);
        }
        if (NextSteps.SoakEnds(c, now) is { } soak && NextSteps.Moment(c, "stageStartedAt") is { } began)
        {
            lines.Add(Row("soak", $"{Bar((now - began) / (soak - began))} until {NextSteps.When(soak, now)}"));
        }
        if (c.Text("state") == "running" && NextSteps.Earliest(c, now) is { } earliest)
        {
            lines.Add(Row("over", $"at the earliest {NextSteps.When(earliest, now)}"));
        }
    }

    private static void AddEvidence(JsonNode verdict, List<string> lines)
    {
        if (verdict.List("metrics").Any())
        {
            lines.Add(Row("harm", Evidence(LogE(verdict, "harmLogE"), LogE(verdict, "harmLogThreshold"), "takes it back")));
        }
        foreach (JsonNode metric in verdict.List("metrics").Where(metric => metric.Text("state") != "informational"))
        {
            lines.Add(Row($"  {metric.Text("metric")}", metric["promotionLogE"] is null
                ? $"{metric.Text("state")}{Forecast(metric)}"
                : Evidence(LogE(metric, "promotionLogE"), LogE(verdict, "promotionLogThreshold"), "promotes") + Forecast(metric)));
        }
        List<JsonNode> missing = [.. verdict.List("missing")];
        foreach (JsonNode m in missing.Take(MissingShown))
        {
            lines.Add(Row("missing", m.Text("detail")));
        }
        if (missing.Count > MissingShown)
        {
            lines.Add(Row("", $"and {missing.Count - MissingShown} more"));
        }
    }

    private static string Stages(JsonNode c) => string.Join(" > ", (c["plan"]?.List("stages") ?? []).Select((stage, i) =>
        i < c.Number("stageIndex") || c.Text("state") == "completed" ? $"{stage.Text("stage")} (passed)" : i == (int?)c.Number("stageIndex") ? $"[{stage.Text("stage")}]" : stage.Text("stage")));

    private static string Forecast(JsonNode metric) => string.Create(CultureInfo.InvariantCulture,
        $"; {metric.Text("promotionObservations")} {metric.Text("promotionUnit")}(s) there{(metric.Number("forecast") is { } all ? $", about {Math.Ceiling(all):0} needed" : "")}");

    /// <summary>Against the threshold on the scale of its logarithm, on which evidence grows evenly.</summary>
    private static string Evidence(double logE, double threshold, string does) => string.Create(CultureInfo.InvariantCulture,
        $"{Bar(logE / threshold)} E = {E(logE)}, {Math.Exp(threshold):0.#} {does}");

    private static string E(double logE) => logE > 20 ? "beyond measure" : Math.Exp(logE).ToString("0.##", CultureInfo.InvariantCulture);

    // The rules write an infinite one by name.
    private static double LogE(JsonNode node, string name) => node.Number(name) ?? (node.Text(name) == "Infinity" ? double.PositiveInfinity : double.NegativeInfinity);

    private static double Share(double? part, double? whole) => whole > 0 ? (part ?? 0) / whole.Value : 0;

    public static string Bar(double share)
    {
        int full = double.IsNaN(share) ? 0 : (int)(Math.Clamp(share, 0, 1) * BarCells);
        return $"[{new string('#', full)}{new string('.', BarCells - full)}]";
    }

    private static string Row(string label, string text) => $"  {label.PadRight(Label)}{text}";
}
