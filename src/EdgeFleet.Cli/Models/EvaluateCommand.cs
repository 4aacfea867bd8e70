using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Evaluation.Comparisons;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Suites;

namespace EdgeFleet.Cli.Models;

/// <summary><c>edgefleet evaluate</c>: judges a candidate against its baseline by a suite.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<FileInfo> s_baseline = new("--baseline") { Description = "What the devices serve now, an ONNX file.", Required = true };
    private static readonly Option<FileInfo> s_candidate = new("--candidate") { Description = "The variant to judge, an ONNX file.", Required = true };
    private static readonly Option<FileInfo> s_suite = new("--suite", "-s") { Description = "The thresholds, fixed beforehand (kind: Suite).", Required = true };
    private static readonly Option<FileInfo> s_data = new("--data", "-d") { Description = "The labelled rows (kind: Dataset); the suite names the split.", Required = true };
    private static readonly Option<FileInfo?> s_out = new("--out") { Description = "File for the evidence that publishing asks for. Default: only shown." };
    private static readonly Option<int> s_threads = CheckedOption.Whole(
        "--threads", "Rows are shared out to so many threads; the figures do not depend on it.", Math.Min(Environment.ProcessorCount, 256), 1, 256);

    public static Command Create()
    {
        Command command = new("evaluate", """
            Judge a candidate against its baseline on rows that neither was made from: accuracy overall and per class with a
            paired interval, agreement, rows that were right and are wrong now, answers that are no numbers. The suite's
            thresholds give the verdict; its digest stands in the evidence, so they cannot move after the fact.
              edgefleet evaluate --baseline fashion_resnet8.onnx --candidate int8/model.onnx \
                --suite suite.yaml --data dataset.yaml --out evidence.json
            Both models take one FP32 input and give one score per class. Exit code 0: pass; 1: fail, with the criteria that
            were missed.
            """) { s_baseline, s_candidate, s_suite, s_data, s_out, s_threads };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        string baseline = ModelCommandErrors.Existing(parsed.GetRequiredValue(s_baseline), "baseline");
        string candidate = ModelCommandErrors.Existing(parsed.GetRequiredValue(s_candidate), "candidate");
        Suite suite = Suite.Load(parsed.GetRequiredValue(s_suite).FullName);
        Dataset dataset = Dataset.Load(parsed.GetRequiredValue(s_data).FullName);
        if (parsed.GetValue(s_out) is { } place)
        {
            ModelCommandErrors.Writable(place.DirectoryName!);
        }
        EvaluationEvidence evidence = ModelCommandErrors.Explain(() => StageProgress.Show(
            output,
            onStage => new Evaluator(TimeProvider.System).Evaluate(
                baseline,
                candidate,
                suite,
                dataset,
                parsed.GetValue(s_threads),
                progress => onStage(progress.Model, progress.Rows, progress.TotalRows),
                cancellationToken)));
        if (parsed.GetValue(s_out) is { } file)
        {
            Directory.CreateDirectory(file.DirectoryName!);
            File.WriteAllBytes(file.FullName, evidence.ToBytes());
        }

        output.Json(JsonNode.Parse(evidence.ToBytes()));
        Describe(output, evidence, parsed.GetValue(s_out)?.FullName);
        return evidence.Passed ? ExitCode.Done : ExitCode.VerdictIsNo;
    }

    private static void Describe(Output output, EvaluationEvidence evidence, string? file)
    {
        AccuracyMetric accuracy = evidence.Metrics.Accuracy;
        output.Table(
            ["CLASS", "ROWS", "BASELINE", "CANDIDATE", "DIFFERENCE"],
            evidence.PerClass
                .Select(c => new[] { c.Label, Whole(c.Rows), Percent(c.Baseline), Percent(c.Candidate), Points(c.Difference) })
                .Append(["all", Whole(evidence.Rows), Percent(accuracy.Baseline), Percent(accuracy.Candidate), Points(accuracy.Difference)]));
        output.Line(
            $"difference {Points(accuracy.Difference)} points, {accuracy.IntervalConfidence.ToString("0 %", CultureInfo.InvariantCulture)} interval {Points(accuracy.Interval[0])} to {Points(accuracy.Interval[1])} ({accuracy.IntervalMethod})");
        output.Line(
            $"agreement {Percent(evidence.Agreement)}, right before and wrong now {Percent(evidence.NegativeFlips)}, wrong before and right now {Percent(evidence.PositiveFlips)}, not finite {Whole(evidence.NonFinite.Candidate)}");
        foreach (string missed in evidence.Failed)
        {
            output.Line($"missed: {missed}");
        }

        output.Line($"verdict: {evidence.Verdict} (suite {evidence.Suite.Name} {evidence.Suite.Digest.Short}, {evidence.Runtime}, {evidence.Seconds.ToString("0.0", CultureInfo.InvariantCulture)} s)");
        if (file is not null)
        {
            output.Line($"evidence: {file}");
        }
    }

    private static string Whole(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Percent(double? share) => share is { } known ? (known * 100).ToString("0.00 '%'", CultureInfo.InvariantCulture) : "no rows";

    private static string Points(double? share) => share is { } known ? (known * 100).ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture) : "";
}
