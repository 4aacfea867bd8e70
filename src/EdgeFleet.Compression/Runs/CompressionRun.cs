using EdgeFleet.Compression.Passes;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Core;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Runs;

/// <summary>Where a run is, for a progress line.</summary>
public readonly record struct CompressionProgress(string Stage, int Done, int Total);

/// <summary>
/// Makes a variant: passes in the order of the recipe, then verification. Writes <c>model.onnx</c>, <c>report.json</c> and
/// <c>CHANGELOG.md</c>. The same model, recipe and data give the same model bytes, whatever the thread count.
/// </summary>
public sealed class CompressionRun(TimeProvider time)
{
    public const string ModelName = "model.onnx";
    public const string ReportName = "report.json";
    public const string ChangesName = "CHANGELOG.md";

    /// <exception cref="CompressionException">A pass refuses the model, or what came out is not fit to use. Nothing is written then.</exception>
    /// <exception cref="InvalidModelException">The baseline is no ONNX model.</exception>
    /// <exception cref="DatasetException">The calibration data is missing or broken.</exception>
    public CompressionReport Execute(
        string modelPath,
        Recipe recipe,
        Dataset dataset,
        string outFolder,
        Action<CompressionProgress>? onProgress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(dataset);
        long start = time.GetTimestamp();
        byte[] baselineFile = File.ReadAllBytes(modelPath);
        OnnxModel baseline = OnnxModel.Load(modelPath);
        OnnxModel model = Normalization.Apply(baseline);
        CalibrationRows rows = new(dataset, recipe.CalibrationSplit, recipe.CalibrationRows, recipe.Seed);
        List<PassReport> passes = [];
        int total = recipe.Steps.Count + 1;
        foreach (RecipeStep step in recipe.Steps)
        {
            onProgress?.Invoke(new CompressionProgress(step.Pass.Id, passes.Count, total));
            passes.Add(Apply(step, model, Path.GetFileName(modelPath), recipe.Target, rows, cancellationToken));
        }

        onProgress?.Invoke(new CompressionProgress("verify", passes.Count, total));
        Stamp(model, recipe, Digest.Of(baselineFile));
        byte[] candidate = model.ToBytes();
        VerificationReport verification = Verification.Check(baseline.WithDataInside().ToBytes(), candidate, rows, cancellationToken);
        CompressionReport report = new()
        {
            Recipe = new RecipeIdentity(recipe.Name, recipe.Digest(), recipe.Target.Id, recipe.Seed),
            Baseline = new ModelFile(Path.GetFileName(modelPath), Digest.Of(baselineFile), baselineFile.Length + ExternalBytes(baseline)),
            Candidate = new ModelFile(ModelName, Digest.Of(candidate), candidate.Length),
            Calibration = new CalibrationIdentity(dataset.Name, recipe.CalibrationSplit, rows.Chosen.Count),
            Passes = passes,
            Verification = verification,
            Runtime = $"onnxruntime {InferenceRuntime.Version}",
            Seconds = Math.Round(time.GetElapsedTime(start).TotalSeconds, 3),
        };
        Write(outFolder, candidate, report);
        return report;
    }

    private PassReport Apply(
        RecipeStep step, OnnxModel model, string name, TargetProfile target, CalibrationRows rows, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        PassContext context = new(model, name, target, rows, cancellationToken);
        if (step.Pass.WhyNot(context, step.Settings) is { } reason)
        {
            throw new CompressionException($"pass '{step.Pass.Id}': {reason}");
        }

        long before = model.Proto.CalculateSize();
        step.Pass.Apply(context, step.Settings);
        return new PassReport(
            step.Pass.Id,
            new SortedDictionary<string, string>(step.Settings.Values.ToDictionary(), StringComparer.Ordinal),
            context.Decisions,
            context.Metrics,
            before,
            model.Proto.CalculateSize(),
            Math.Round(time.GetElapsedTime(start).TotalSeconds, 3));
    }

    /// <summary>A model says where it comes from, wherever its file goes.</summary>
    private static long ExternalBytes(OnnxModel model) => model.ExternalFiles().Sum(name => new FileInfo(Path.Join(model.Folder, name)).Length);

    private static void Stamp(OnnxModel model, Recipe recipe, Digest baseline)
    {
        foreach ((string key, string value) in new[] { ("edgefleet.baseline", baseline.ToString()), ("edgefleet.recipe", recipe.Digest().ToString()) })
        {
            if (model.Proto.MetadataProps.FirstOrDefault(entry => entry.Key == key) is { } old)
            {
                model.Proto.MetadataProps.Remove(old);
            }

            model.Proto.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        }
    }

    private static void Write(string folder, byte[] candidate, CompressionReport report)
    {
        Directory.CreateDirectory(folder);
        string temporary = Path.Join(folder, ModelName + ".tmp");
        File.WriteAllBytes(temporary, candidate);
        // What an agent would refuse to load is no variant.
        if (ModelScanner.Scan(folder, ModelName + ".tmp", [ModelName + ".tmp"]) is ScanResult.Rejected rejected)
        {
            File.Delete(temporary);
            throw new CompressionException($"the result would not pass an agent's scan: {rejected.Detail}");
        }

        File.Move(temporary, Path.Join(folder, ModelName), overwrite: true);
        File.WriteAllBytes(Path.Join(folder, ReportName), report.ToBytes());
        File.WriteAllText(Path.Join(folder, ChangesName), ChangeText.Of(report));
    }
}
