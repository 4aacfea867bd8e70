using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Processes;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>Variants are made and judged off the devices; the evidence travels with them.</summary>
internal static class CompressPart
{
    public static Part Create() => new(2, "Compress and evaluate", "int8 passes the suite, 3-bit weights fail it");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        string example = fleet.Layout.Example;
        string baseline = Path.Combine(example, "fashion_resnet8.onnx");
        JsonNode int8 = await MakeAsync(fleet, "int8", baseline, "int8.yaml", baseline, "suite.yaml", cancellationToken);
        JsonNode harmed = await MakeAsync(fleet, "harmed-3bit", baseline, "harmed-3bit.yaml", baseline, "suite.yaml", cancellationToken);

        report.Table(["variant", "bytes", "accuracy", "difference", "interval 95 %", "agreement", "worst class", "suite"], new[]
        {
            ("int8", int8), ("harmed-3bit", harmed),
        }.Select(row => Describe(fleet, row.Item1, row.Item2)));

        part.Expect(int8["verdict"]?.ToString() == "pass", $"int8: verdict {int8["verdict"]}");
        part.Expect(harmed["verdict"]?.ToString() == "fail", $"harmed-3bit: verdict {harmed["verdict"]}");
        foreach ((string name, JsonNode evidence) in new[] { ("int8", int8), ("harmed-3bit", harmed) })
        {
            string source = $"edgefleet evaluate, {evidence["rows"]} held-out rows";
            part.Measured($"{name} accuracy", Math.Round(Number(evidence, "candidate") * 100, 4), "%", source);
            part.Measured($"{name} agreement", Math.Round(evidence["agreement"]!.GetValue<double>() * 100, 4), "%", source);
            part.Measured($"{name} size", new FileInfo(ModelFile(fleet, name)).Length, "bytes", "file");
        }
        part.Measured("baseline accuracy", Math.Round(Number(int8, "baseline") * 100, 4), "%", $"edgefleet evaluate, {int8["rows"]} held-out rows");
        part.Seen = string.Create(CultureInfo.InvariantCulture,
            $"baseline {Number(int8, "baseline"):P2}, int8 {Number(int8, "candidate"):P2} ({int8["verdict"]}), 3-bit {Number(harmed, "candidate"):P2} ({harmed["verdict"]})");
    }

    public static string ModelFile(LocalFleet fleet, string name) => Path.Combine(fleet.Layout.Work, name, "model.onnx");

    public static string EvidenceFile(LocalFleet fleet, string name) => Path.Combine(fleet.Layout.Work, $"evidence-{name}.json");

    /// <summary>Compresses a model and evaluates the variant against what the devices serve.</summary>
    public static async Task<JsonNode> MakeAsync(
        LocalFleet fleet, string name, string source, string recipe, string baseline, string suite, CancellationToken cancellationToken)
    {
        string example = fleet.Layout.Example;
        (await fleet.Commands.RunAsync(
            ["compress", source, "--recipe", Path.Combine(example, "recipes", recipe), "--data", Path.Combine(example, "dataset.yaml"), "--out", Path.Combine(fleet.Layout.Work, name)],
            cancellationToken)).Json($"compress {name}");
        CommandResult result = await fleet.Commands.RunAsync(
            ["evaluate", "--baseline", baseline, "--candidate", ModelFile(fleet, name),
             "--suite", Path.Combine(example, suite), "--data", Path.Combine(example, "dataset.yaml"), "--out", EvidenceFile(fleet, name)],
            cancellationToken);
        // 1 means that the verdict is no, which is an answer too.
        return result.ExitCode is 0 or 1
            ? JsonNode.Parse(await File.ReadAllTextAsync(EvidenceFile(fleet, name), cancellationToken))!
            : throw new DemoFailedException($"evaluate {name}: exit code {result.ExitCode}: {result.Errors}");
    }

    private static string[] Describe(LocalFleet fleet, string name, JsonNode evidence)
    {
        JsonNode accuracy = evidence["metrics"]!["accuracy"]!;
        JsonArray interval = accuracy["interval"]!.AsArray();
        IEnumerable<(string Label, double Drop)> classes = (evidence["perClass"] as JsonArray ?? []).OfType<JsonNode>()
            .Select(c => (c["label"]?.ToString() ?? c["class"]?.ToString() ?? "?", c["difference"]?.GetValue<double>() ?? 0));
        (string label, double drop) = classes.OrderBy(c => c.Drop).FirstOrDefault();
        CultureInfo culture = CultureInfo.InvariantCulture;
        return
        [
            name,
            new FileInfo(ModelFile(fleet, name)).Length.ToString(culture),
            (Number(evidence, "candidate") * 100).ToString("0.00 '%'", culture),
            (Number(evidence, "difference") * 100).ToString("+0.00;-0.00", culture),
            string.Join(" … ", interval.Select(x => (x!.GetValue<double>() * 100).ToString("+0.00;-0.00", culture))),
            (evidence["agreement"]!.GetValue<double>() * 100).ToString("0.00 '%'", culture),
            $"{label} {(drop * 100).ToString("+0.0;-0.0", culture)}",
            evidence["verdict"]!.ToString(),
        ];
    }

    private static double Number(JsonNode evidence, string name) => evidence["metrics"]!["accuracy"]![name]!.GetValue<double>();
}
