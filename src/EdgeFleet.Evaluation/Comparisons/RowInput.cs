using EdgeFleet.Core.Artifacts;
using EdgeFleet.Evaluation.Datasets;

namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>How rows of a dataset go into a model's one input: the shape of a call and how many rows it takes.</summary>
public sealed record RowInput(IReadOnlyList<long> Shape, int RowsPerCall)
{
    /// <summary>
    /// One row per call, as on a device, unless the model fixes another batch. A model whose batch is free could take many,
    /// but operators that choose their ranges at run time would then answer otherwise than on the device.
    /// </summary>
    /// <exception cref="ModelMismatchException">The model has several inputs, not of FP32, or of another shape.</exception>
    public static RowInput Of(ModelContract contract, string model, DatasetSplit split)
    {
        ArgumentNullException.ThrowIfNull(contract);
        ArgumentNullException.ThrowIfNull(split);
        if (contract.Inputs is not [TensorSpec input])
        {
            throw new ModelMismatchException($"model '{model}' has {contract.Inputs.Count} inputs ({string.Join(", ", contract.Inputs)}); datasets feed models with one");
        }

        if (input.ElementType != "FP32")
        {
            throw new ModelMismatchException($"model '{model}': input {input} takes {input.ElementType}; datasets feed FP32");
        }

        IReadOnlyList<int> row = split.RowShape;
        if (Fits(input.Shape, row))
        {
            return new RowInput([.. row.Select(dim => (long)dim)], 1);
        }

        if (input.Shape.Count != row.Count + 1 || !Fits([.. input.Shape.Skip(1)], row))
        {
            throw new ModelMismatchException(
                $"model '{model}': input {input} does not take rows of shape [{string.Join(", ", row)}] of dataset '{split.Dataset.Name}'; preprocessing.shape and .layout can change them");
        }

        long batch = input.Shape[0] < 0 ? 1 : input.Shape[0];
        return batch is >= 1 and <= 4096
            ? new RowInput([batch, .. row.Select(dim => (long)dim)], (int)batch)
            : throw new ModelMismatchException($"model '{model}': input {input} fixes a batch of {batch} rows");
    }

    private static bool Fits(IReadOnlyList<long> shape, IReadOnlyList<int> row) =>
        shape.Count == row.Count && shape.Zip(row).All(pair => pair.First < 0 || pair.First == pair.Second);
}
