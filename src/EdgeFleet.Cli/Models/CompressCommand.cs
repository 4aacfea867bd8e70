using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Compression.Passes;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Compression.Runs;
using EdgeFleet.Evaluation.Datasets;

namespace EdgeFleet.Cli.Models;

/// <summary><c>edgefleet compress</c>: makes a variant of a model by a recipe.</summary>
internal static class CompressCommand
{
    private static readonly Argument<FileInfo> s_model = new("MODEL") { Description = "The baseline, an ONNX file." };
    private static readonly Option<FileInfo> s_recipe = new("--recipe", "-r") { Description = "The passes and their parameters (kind: Recipe).", Required = true };
    private static readonly Option<FileInfo> s_data = new("--data", "-d") { Description = "Where calibration rows come from (kind: Dataset).", Required = true };
    private static readonly Option<DirectoryInfo> s_out = new("--out") { Description = "Folder for model.onnx, report.json and CHANGELOG.md; made where it is missing.", Required = true };

    public static Command Create()
    {
        Command command = new("compress", $$"""
            Make a smaller or faster variant of a model. Passes run in the order of the recipe; ranges are learned from the
            dataset's calibration split. At the end the variant must load at every level of optimisation, keep the baseline's
            contract and answer with finite numbers. The same model, recipe and data give the same bytes.
              edgefleet compress fashion_resnet8.onnx --recipe recipes/int8.yaml --data dataset.yaml --out int8
            Whether it is still right is the next question: edgefleet evaluate. Whether it is faster: edgefleet bench.

            Passes:
            {{string.Join('\n', PassCatalog.All.Select(pass => $"  {pass.Id,-22} {pass.Summary}{Parameters(pass)}"))}}
            Targets:
            {{string.Join('\n', TargetProfile.All.Select(target => $"  {target.Id,-22} {target.Summary}"))}}
            Examples to copy: fleet/examples/fashion. Exit code 1: the recipe does not fit the model, or the result is not fit to use.
            """) { s_model, s_recipe, s_data, s_out };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        string model = ModelCommandErrors.Existing(parsed.GetRequiredValue(s_model), "model");
        Recipe recipe = Recipe.Load(parsed.GetRequiredValue(s_recipe).FullName);
        Dataset dataset = Dataset.Load(parsed.GetRequiredValue(s_data).FullName);
        string folder = ModelCommandErrors.Writable(parsed.GetRequiredValue(s_out).FullName);
        CompressionReport report = ModelCommandErrors.Explain(() => StageProgress.Show(
            output,
            onStage => new CompressionRun(TimeProvider.System).Execute(
                model, recipe, dataset, folder, progress => onStage(progress.Stage, progress.Done, progress.Total), cancellationToken)));
        output.Json(JsonNode.Parse(report.ToBytes()));
        Describe(output, report, folder);
        return ExitCode.Done;
    }

    private static void Describe(Output output, CompressionReport report, string folder)
    {
        output.Table(
            ["PASS", "BYTES BEFORE", "BYTES AFTER", "DECISIONS", "FIGURES", "SECONDS"],
            report.Passes.Select(pass => new[]
            {
                pass.Pass,
                Number(pass.BytesBefore),
                Number(pass.BytesAfter),
                string.Join(", ", pass.Decisions.GroupBy(decision => decision.Action).Select(group => $"{group.Count()} {group.Key}")),
                string.Join(", ", pass.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.##}"))),
                pass.Seconds.ToString("0.00", CultureInfo.InvariantCulture),
            }));
        VerificationReport check = report.Verification;
        string noise = check.SignalToNoiseDb is { } ratio ? ratio.ToString("0.0 dB", CultureInfo.InvariantCulture) : "exact";
        double share = (double)report.Candidate.SizeBytes / report.Baseline.SizeBytes;
        output.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"verified on {check.Rows} calibration rows: agreement {check.Agreement:P2}, signal to noise {noise}, largest error {check.LargestError:g4}"));
        output.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.Join(folder, CompressionRun.ModelName)}: {report.Candidate.SizeBytes} bytes, {share:P1} of the baseline's {report.Baseline.SizeBytes}"));
        output.Line(report.Candidate.Sha256.ToString());
    }

    private static string Parameters(ICompressionPass pass) => string.Concat(
        pass.Parameters.Select(parameter => $"\n    {parameter.Name,-20} {parameter.Summary}; default {(parameter.Default.Length > 0 ? parameter.Default : "none")}"));

    private static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
