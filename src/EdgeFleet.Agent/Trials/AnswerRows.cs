using System.Runtime.InteropServices;
using EdgeFleet.Inference;
using EdgeFleet.Statistics.Labels;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// What an answer says of classes: for each row of the last dimension the class on top and, where the values are floating-point
/// scores, the probability of each. Lives in memory only.
/// </summary>
internal sealed class AnswerRows
{
    /// <summary>More are a picture, not classes.</summary>
    private const int MaximumRows = 1024;
    private const int MaximumValues = 1 << 18;
    /// <summary>Probabilities of an int8 model add up to 1 only roughly: each is off by up to half a step of 1/256.</summary>
    private const double Slack = 0.15;

    private readonly float[]? _probabilities;

    private AnswerRows(int classes, int[] top1, float[]? probabilities) => (Classes, Top1, _probabilities) = (classes, top1, probabilities);

    public int Classes { get; }

    /// <summary>Of each row; -1 where an answer is no number.</summary>
    public IReadOnlyList<int> Top1 { get; }

    public bool HasScores => _probabilities is not null;

    public int Bytes => (Top1.Count * sizeof(int)) + ((_probabilities?.Length ?? 0) * sizeof(float));

    /// <summary>Null for what names no classes: a single value, or a picture.</summary>
    /// <param name="output">The first output of a model.</param>
    /// <param name="probabilities">The values are probabilities; else they are the scores that a softmax makes them of.</param>
    public static AnswerRows? Of(Tensor output, bool probabilities)
    {
        if (!TryMeasure(output, out int rows, out int classes))
        {
            return null;
        }
        int[] top1 = new int[rows];
        int width = classes * ElementTypes.WidthOf(output.ElementType);
        for (int row = 0; row < rows; row++)
        {
            top1[row] = TensorChecks.ArgMax(output.ElementType, output.Data.Span.Slice(row * width, width));
        }
        float[]? scores = top1.Contains(-1) ? null : Scores(output);
        for (int row = 0; scores is not null && row < rows; row++)
        {
            Normalise(scores.AsSpan(row * classes, classes), probabilities);
        }
        return new AnswerRows(classes, top1, scores);
    }

    /// <summary>Whether a model's answers are probabilities, which some one answer of it shows; null where this one does not tell.</summary>
    public static bool? AreProbabilities(Tensor output)
    {
        if (!TryMeasure(output, out int rows, out int classes) || Scores(output) is not { } scores || !TensorChecks.AllFinite(output.ElementType, output.Data.Span))
        {
            return null;
        }
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> values = scores.AsSpan(row * classes, classes);
            double sum = 0;
            foreach (float value in values)
            {
                if (value is < -1e-3f or > 1 + 1e-3f)
                {
                    return false;
                }
                sum += value;
            }
            if (Math.Abs(sum - 1) > Slack)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>How sure the model is of its top-1 answer, in [0, 1].</summary>
    public double Confidence(int row) => Math.Clamp(_probabilities![(row * Classes) + Top1[row]], 0, 1);

    /// <summary>Half the Brier score of a row, in [0, 1].</summary>
    public double Brier(int row, int label) => BrierScore.Of(_probabilities.AsSpan(row * Classes, Classes), label);

    /// <summary>Wipes the scores.</summary>
    public void Forget() => Array.Clear(_probabilities ?? []);

    private static bool TryMeasure(Tensor output, out int rows, out int classes)
    {
        (rows, classes) = (0, 0);
        int values = output.Data.Length / ElementTypes.WidthOf(output.ElementType);
        if (output.Shape.Count == 0 || output.Shape[^1] < 2 || values is 0 or > MaximumValues)
        {
            return false;
        }
        classes = (int)output.Shape[^1];
        rows = values / classes;
        return rows <= MaximumRows;
    }

    private static float[]? Scores(Tensor output)
    {
        ReadOnlySpan<byte> data = output.Data.Span;
        switch (output.ElementType)
        {
            case "FP32":
                return MemoryMarshal.Cast<byte, float>(data).ToArray();
            case "FP16":
                return [.. MemoryMarshal.Cast<byte, Half>(data).ToArray().Select(value => (float)value)];
            case "FP64":
                return [.. MemoryMarshal.Cast<byte, double>(data).ToArray().Select(value => (float)value)];
            default:
                // Integers without a scale say which is the largest, not by how much.
                return null;
        }
    }

    private static void Normalise(Span<float> row, bool probabilities)
    {
        float largest = float.NegativeInfinity;
        foreach (float value in row)
        {
            largest = Math.Max(largest, value);
        }
        double sum = 0;
        for (int k = 0; k < row.Length; k++)
        {
            row[k] = probabilities ? Math.Max(row[k], 0) : MathF.Exp(row[k] - largest);
            sum += row[k];
        }
        for (int k = 0; k < row.Length; k++)
        {
            // A row of zeros is no distribution: nothing is surer than anything else.
            row[k] = sum > 0 ? (float)Math.Min(row[k] / sum, 1) : 1f / row.Length;
        }
    }
}
