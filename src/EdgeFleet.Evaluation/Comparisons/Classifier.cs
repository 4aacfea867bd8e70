using System.Runtime.ExceptionServices;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;

namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>
/// Runs a classification model over a split: the class with the highest score of the first output, or the class itself
/// where that output is a whole number. Rows are shared out to threads, each with buffers of its own; the answers do not
/// depend on how many.
/// </summary>
internal sealed class Classifier : IDisposable
{
    private readonly LoadedModel _model;

    public Classifier(string path) => _model = LoadedModel.Load(path, new InferenceOptions { IntraOpThreads = 1 });

    public LoadedModel Model => _model;

    public void Dispose() => _model.Dispose();

    /// <param name="onRows">Called from any thread with the number of rows that were done since the last call.</param>
    public int[] Predict(DatasetSplit split, int threads, Action<int> onRows, CancellationToken cancellationToken)
    {
        RowInput input = RowInput.Of(_model.Contract, _model.Path, split);
        int[] classes = new int[split.Count];
        int calls = (split.Count + input.RowsPerCall - 1) / input.RowsPerCall;
        int workers = Math.Clamp(threads, 1, calls);
        ParallelOptions options = new() { MaxDegreeOfParallelism = workers, CancellationToken = cancellationToken };
        int highestClass = split.Labels.Max();
        try
        {
            Parallel.For(0, workers, options, worker =>
            {
                int first = (int)((long)calls * worker / workers);
                int end = (int)((long)calls * (worker + 1) / workers);
                PredictCalls(split, input, highestClass, classes, first, end, onRows, cancellationToken);
            });
        }
        catch (AggregateException ex)
        {
            // Each thread meets the same fault; one sentence about it is enough.
            ExceptionDispatchInfo.Throw(ex.InnerExceptions[0]);
        }

        return classes;
    }

    private void PredictCalls(
        DatasetSplit split,
        RowInput input,
        int highestClass,
        int[] classes,
        int firstCall,
        int endCall,
        Action<int> onRows,
        CancellationToken cancellationToken)
    {
        const int RowsBetweenReports = 64;
        using PreparedCall call = _model.Prepare([input.Shape]);
        Span<float> values = call.Inputs[0].Values<float>();
        int unreported = 0;
        for (int index = firstCall; index < endCall; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int row = index * input.RowsPerCall;
            int rows = Math.Min(input.RowsPerCall, split.Count - row);
            for (int i = 0; i < rows; i++)
            {
                split.CopyRow(row + i, values.Slice(i * split.RowElements, split.RowElements));
            }

            call.Invoke();
            ReadClasses(call.Outputs[0], input.RowsPerCall, highestClass, classes.AsSpan(row, rows));
            unreported += rows;
            if (unreported >= RowsBetweenReports)
            {
                onRows(unreported);
                unreported = 0;
            }
        }

        onRows(unreported);
    }

    private void ReadClasses(PreparedTensor output, int rowsPerCall, int highestClass, Span<int> classes)
    {
        if (output.Spec.ElementType == "INT64" && output.ByteCount == rowsPerCall * sizeof(long))
        {
            Span<long> numbers = output.Values<long>();
            for (int i = 0; i < classes.Length; i++)
            {
                classes[i] = numbers[i] is >= 0 and <= int.MaxValue ? (int)numbers[i] : Comparison.NoClass;
            }

            return;
        }

        if (output.Spec.ElementType != "FP32" || output.ByteCount % (rowsPerCall * sizeof(float)) != 0 || output.ByteCount == rowsPerCall * sizeof(float))
        {
            throw new ModelMismatchException(
                $"model '{_model.Path}': output {output.Spec} of shape [{string.Join(", ", output.Shape)}] is no list of scores for {rowsPerCall} row(s), one per class in FP32");
        }

        Span<float> scores = output.Values<float>();
        int width = scores.Length / rowsPerCall;
        if (highestClass >= width)
        {
            throw new ModelMismatchException($"model '{_model.Path}': output {output.Spec} gives {width} scores, the rows have classes up to {highestClass}");
        }

        for (int i = 0; i < classes.Length; i++)
        {
            classes[i] = Highest(scores.Slice(i * width, width));
        }
    }

    /// <summary>The first of the highest scores, or <see cref="Comparison.NoClass"/> where one is not finite.</summary>
    private static int Highest(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (!float.IsFinite(scores[i]))
            {
                return Comparison.NoClass;
            }

            best = scores[i] > scores[best] ? i : best;
        }

        return best;
    }
}
