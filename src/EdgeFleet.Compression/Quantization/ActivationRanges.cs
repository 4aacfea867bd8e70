using EdgeFleet.Compression.Runs;
using EdgeFleet.Evaluation.Comparisons;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Compression.Quantization;

/// <summary>
/// Runs the float model over the calibration rows and keeps the lowest and highest value of each tensor: two numbers per
/// tensor, however many rows. One thread and no optimisation, so that the same machine type gives the same ranges.
/// </summary>
internal static class ActivationRanges
{
    public static IReadOnlyDictionary<string, ValueRange> Observe(
        OnnxModel model, string name, IReadOnlyList<string> tensors, CalibrationRows rows, CancellationToken cancellationToken)
    {
        OnnxModel exposed = model.Clone();
        HashSet<string> outputs = [.. exposed.Graph.Output.Select(output => output.Name)];
        HashSet<string> inputs = [.. exposed.Graph.Input.Select(input => input.Name)];
        foreach (string tensor in tensors.Where(tensor => !inputs.Contains(tensor) && outputs.Add(tensor)))
        {
            exposed.Graph.Output.Add(new ValueInfoProto
            {
                Name = tensor,
                Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float } },
            });
        }

        InferenceOptions options = new() { IntraOpThreads = 1, Optimization = GraphOptimization.None };
        using LoadedModel loaded = LoadedModel.Load(name, exposed.ToBytes(), options);
        DatasetSplit split = rows.Split;
        RowInput input = RowInput.Of(loaded.Contract, name, split);
        using PreparedCall call = loaded.Prepare([input.Shape]);
        Dictionary<string, ValueRange> ranges = tensors.ToDictionary(tensor => tensor, _ => ValueRange.Empty, StringComparer.Ordinal);
        for (int first = 0; first < rows.Chosen.Count; first += input.RowsPerCall)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Fill(call, split, rows.Chosen, first, input.RowsPerCall);
            call.Invoke();
            foreach (PreparedTensor tensor in call.Inputs.Concat(call.Outputs))
            {
                if (ranges.TryGetValue(tensor.Name, out ValueRange range))
                {
                    ranges[tensor.Name] = range.Include(tensor.Values<float>());
                }
            }
        }

        foreach ((string tensor, ValueRange range) in ranges)
        {
            if (!range.IsFinite)
            {
                throw new CompressionException($"tensor '{tensor}' is not finite on the calibration rows; the baseline itself is broken there");
            }
        }

        return ranges;
    }

    /// <summary>A model with a fixed batch gets whole batches: the last one is filled up with rows from the beginning.</summary>
    private static void Fill(PreparedCall call, DatasetSplit split, IReadOnlyList<int> chosen, int first, int rowsPerCall)
    {
        Span<float> values = call.Inputs[0].Values<float>();
        for (int i = 0; i < rowsPerCall; i++)
        {
            split.CopyRow(chosen[(first + i) % chosen.Count], values.Slice(i * split.RowElements, split.RowElements));
        }
    }
}
