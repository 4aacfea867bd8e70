using EdgeFleet.Core;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Documents;
using EdgeFleet.Evaluation.Suites;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;

namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>How far an evaluation is, for a progress bar.</summary>
public readonly record struct EvaluationProgress(string Model, int Rows, int TotalRows);

/// <summary>Runs baseline and candidate over a held-out split and judges the difference by a suite.</summary>
public sealed class Evaluator(TimeProvider time)
{
    /// <summary>The split that a recipe learns ranges from where it names no other.</summary>
    private const string CalibrationSplit = "calibration";

    /// <param name="threads">Rows are shared out to so many threads; the figures do not depend on it.</param>
    /// <exception cref="DatasetException">The data is missing or broken.</exception>
    /// <exception cref="DocumentException">The split is not there, or has rows of the calibration split.</exception>
    /// <exception cref="ModelMismatchException">A model does not take these rows, or the two have different contracts.</exception>
    /// <exception cref="InferenceException">A model does not load or fails.</exception>
    public EvaluationEvidence Evaluate(
        string baselinePath,
        string candidatePath,
        Suite suite,
        Dataset dataset,
        int threads,
        Action<EvaluationProgress>? onProgress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(suite);
        ArgumentNullException.ThrowIfNull(dataset);
        long start = time.GetTimestamp();
        // Models first: a wrong path or a broken file shows before minutes of reading.
        using Classifier baseline = new(baselinePath);
        using Classifier candidate = new(candidatePath);
        if (baseline.Model.Contract.FirstDifference(candidate.Model.Contract) is { } difference)
        {
            throw new ModelMismatchException($"'{baselinePath}' and '{candidatePath}' have different contracts: {difference}");
        }

        DatasetSplit split = dataset.Read(suite.Split);
        if (dataset.SharedRows(split, CalibrationSplit) is > 0 and var shared)
        {
            throw new DocumentException(
                $"{dataset.Path}: {shared} of {split.Count} rows of split '{split.Name}' belong to split '{CalibrationSplit}' too; a candidate is judged on rows that it was not made from");
        }
        int[] before = Predict(baseline, "baseline", split, threads, onProgress, cancellationToken);
        int[] after = Predict(candidate, "candidate", split, threads, onProgress, cancellationToken);
        Comparison comparison = Comparison.Of(split.Labels, before, after, dataset.Labels);
        IReadOnlyList<CriterionResult> criteria = comparison.Judge(suite);
        string[] failed = [.. criteria.Where(criterion => !criterion.Met).Select(comparison.Sentence)];
        return new EvaluationEvidence
        {
            Verdict = failed.Length == 0 ? "pass" : "fail",
            Failed = failed,
            Suite = new SuiteIdentity(suite.Name, suite.Digest()),
            Dataset = new DatasetIdentity(dataset.Name, split.Name, split.Digest()),
            Baseline = Identify(baselinePath),
            Candidate = Identify(candidatePath),
            Rows = comparison.Rows,
            Metrics = comparison.Metrics,
            Agreement = comparison.Agreement,
            NegativeFlips = comparison.NegativeFlips,
            PositiveFlips = comparison.PositiveFlips,
            NonFinite = comparison.NonFinite,
            PerClass = comparison.PerClass,
            Criteria = criteria,
            Runtime = $"onnxruntime {InferenceRuntime.Version}",
            EvaluatedAt = time.GetUtcNow(),
            Seconds = Math.Round(time.GetElapsedTime(start).TotalSeconds, 3),
        };
    }

    private static int[] Predict(
        Classifier classifier, string name, DatasetSplit split, int threads, Action<EvaluationProgress>? onProgress, CancellationToken cancellationToken)
    {
        int done = 0;
        onProgress?.Invoke(new EvaluationProgress(name, 0, split.Count));
        return classifier.Predict(
            split, threads, rows => onProgress?.Invoke(new EvaluationProgress(name, Interlocked.Add(ref done, rows), split.Count)), cancellationToken);
    }

    private static ModelIdentity Identify(string path)
    {
        (Digest sha256, long size) = Read(path);
        List<ExternalFile> external = [];
        foreach (string name in OnnxModel.Load(path).ExternalFiles())
        {
            (Digest data, long bytes) = Read(Path.Join(Path.GetDirectoryName(Path.GetFullPath(path)), name));
            external.Add(new ExternalFile(name, data));
            size += bytes;
        }
        return new ModelIdentity(Path.GetFileName(path), sha256, size, external.Count > 0 ? external : null);

        static (Digest, long) Read(string file)
        {
            byte[] bytes = File.ReadAllBytes(file);
            return (Digest.Of(bytes), bytes.Length);
        }
    }
}
