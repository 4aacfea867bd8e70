using EdgeFleet.Core.Artifacts;
using EdgeFleet.Evaluation.Comparisons;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;

namespace EdgeFleet.Compression.Runs;

/// <summary>
/// The last step of every compression: the candidate loads at each level of optimisation, has the baseline's contract, and
/// answers with finite numbers; how far it is from the baseline is measured on the calibration rows.
/// </summary>
internal static class Verification
{
    private const string Baseline = "baseline";
    private const string Candidate = "candidate";
    private static readonly GraphOptimization[] s_levels =
        [GraphOptimization.None, GraphOptimization.Basic, GraphOptimization.Extended, GraphOptimization.All];

    /// <exception cref="CompressionException">The candidate is not fit to use.</exception>
    public static VerificationReport Check(byte[] baseline, byte[] candidate, CalibrationRows rows, CancellationToken cancellationToken)
    {
        float[][] expected = Answers(baseline, Baseline, GraphOptimization.All, rows, contract: null, cancellationToken);
        ModelContract contract = ContractOf(baseline);
        float[][]? first = null;
        float[][] last = [];
        double between = 0;
        foreach (GraphOptimization level in s_levels)
        {
            last = Answers(candidate, Candidate, level, rows, contract, cancellationToken);
            first ??= last;
            between = Math.Max(between, LargestDifference(first, last));
        }

        (double? ratio, double error) = Noise(expected, last);
        return new VerificationReport(
            [.. s_levels.Select(level => level.ToString().ToLowerInvariant())],
            expected.Length,
            expected.Zip(last).Count(pair => Highest(pair.First) == Highest(pair.Second)) / (double)expected.Length,
            ratio,
            error,
            between);
    }

    private static ModelContract ContractOf(byte[] model)
    {
        using LoadedModel loaded = LoadedModel.Load(Baseline, model, new InferenceOptions { Optimization = GraphOptimization.None });
        return loaded.Contract;
    }

    private static float[][] Answers(
        byte[] model, string name, GraphOptimization level, CalibrationRows rows, ModelContract? contract, CancellationToken cancellationToken)
    {
        using LoadedModel loaded = Load(model, name, level);
        if (contract?.FirstDifference(loaded.Contract) is { } difference)
        {
            throw new CompressionException($"the {name} has another contract than the baseline: {difference}");
        }

        DatasetSplit split = rows.Split;
        RowInput input = RowInput.Of(loaded.Contract, name, split);
        using PreparedCall call = loaded.Prepare([input.Shape]);
        float[][] answers = new float[rows.Chosen.Count][];
        for (int i = 0; i < answers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<float> values = call.Inputs[0].Values<float>();
            for (int copy = 0; copy < input.RowsPerCall; copy++)
            {
                split.CopyRow(rows.Chosen[i], values.Slice(copy * split.RowElements, split.RowElements));
            }

            call.Invoke();
            CheckFinite(call, name, level, rows.Chosen[i]);
            answers[i] = FirstFloats(call);
        }

        return answers;
    }

    private static LoadedModel Load(byte[] model, string name, GraphOptimization level)
    {
        try
        {
            return LoadedModel.Load(name, model, new InferenceOptions { IntraOpThreads = 1, Optimization = level });
        }
        catch (ModelLoadException ex) when (name == Candidate)
        {
            throw new CompressionException($"the {name} does not load with optimisation '{level}': {ex.Message}", ex);
        }
    }

    private static void CheckFinite(PreparedCall call, string name, GraphOptimization level, int row)
    {
        foreach (PreparedTensor output in call.Outputs.Where(output => output.Spec.ElementType == "FP32"))
        {
            foreach (float value in output.Values<float>())
            {
                if (!float.IsFinite(value))
                {
                    throw new CompressionException($"the {name} answers {value} in output '{output.Name}' for calibration row {row} with optimisation '{level}'");
                }
            }
        }
    }

    private static float[] FirstFloats(PreparedCall call) =>
        call.Outputs.FirstOrDefault(output => output.Spec.ElementType == "FP32") is { } output ? output.Values<float>().ToArray() : [];

    private static double LargestDifference(float[][] one, float[][] other)
    {
        double largest = 0;
        for (int row = 0; row < one.Length; row++)
        {
            for (int i = 0; i < one[row].Length; i++)
            {
                largest = Math.Max(largest, Math.Abs(one[row][i] - other[row][i]));
            }
        }

        return largest;
    }

    private static (double? RatioDb, double LargestError) Noise(float[][] exact, float[][] seen)
    {
        double signal = 0, noise = 0;
        foreach ((float[] before, float[] after) in exact.Zip(seen))
        {
            for (int i = 0; i < before.Length; i++)
            {
                double difference = (double)before[i] - after[i];
                signal += (double)before[i] * before[i];
                noise += difference * difference;
            }
        }

        double? ratio = noise == 0 || signal == 0 ? null : Math.Round(10 * Math.Log10(signal / noise), 2);
        return (ratio, LargestDifference(exact, seen));
    }

    private static int Highest(float[] scores) => scores.Length == 0 ? 0 : Array.IndexOf(scores, scores.Max());
}
