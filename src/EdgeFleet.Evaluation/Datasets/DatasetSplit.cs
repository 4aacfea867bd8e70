using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using EdgeFleet.Core;

namespace EdgeFleet.Evaluation.Datasets;

/// <summary>The rows of one split, in memory as they are stored; each is preprocessed when it is asked for.</summary>
public sealed class DatasetSplit
{
    private readonly StoredArray _inputs;
    private readonly Preprocessing _preprocessing;
    private readonly int[]? _labels;

    internal DatasetSplit(
        Dataset dataset, string name, StoredArray inputs, StoredArray? labels, Preprocessing preprocessing, IReadOnlyList<int> rowShape)
    {
        Dataset = dataset;
        Name = name;
        RowShape = rowShape;
        _inputs = inputs;
        _preprocessing = preprocessing;
        _labels = labels is null ? null : Classes(dataset, labels, inputs.Count);
    }

    public Dataset Dataset { get; }

    public string Name { get; }

    public int Count => _inputs.Count;

    /// <summary>The shape of one row as the model takes it, without the batch dimension.</summary>
    public IReadOnlyList<int> RowShape { get; }

    public int RowElements => _inputs.RowElements;

    public bool HasLabels => _labels is not null;

    /// <summary>The class of each row.</summary>
    /// <exception cref="DatasetException">The dataset has no labels.</exception>
    public IReadOnlyList<int> Labels =>
        _labels ?? throw new DatasetException($"{Dataset.Path}: the source of split '{Name}' has no labels");

    /// <summary>Writes a preprocessed row; safe to call from many threads.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        if (destination.Length != RowElements)
        {
            throw new ArgumentException($"a row has {RowElements} values, the destination {destination.Length}", nameof(destination));
        }

        _preprocessing.Apply(_inputs, row, RowShape, destination);
    }

    /// <summary>
    /// SHA-256 of what a model and a score see: shape, values after preprocessing, classes and their names. The same rows
    /// from another file or format have the same digest.
    /// </summary>
    public Digest Digest()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"edgefleet-dataset-v1\n{Count}\n{string.Join(',', RowShape)}\n{string.Join('\n', Dataset.Labels)}\n"));
        float[] row = new float[RowElements];
        for (int i = 0; i < Count; i++)
        {
            CopyRow(i, row);
            hash.AppendData(MemoryMarshal.AsBytes<float>(row));
        }

        hash.AppendData(MemoryMarshal.AsBytes<int>(_labels ?? []));
        return Core.Digest.FromHash(hash.GetHashAndReset());
    }

    private static int[] Classes(Dataset dataset, StoredArray labels, int rows)
    {
        if (labels.Count != rows || labels.RowElements != 1)
        {
            throw new DatasetException($"{dataset.Path}: {rows} rows of inputs and {labels.Count} labels of {labels.RowElements} values");
        }

        int[] classes = new int[rows];
        for (int i = 0; i < rows; i++)
        {
            double value = labels.Value(i, 0);
            classes[i] = value >= 0 && value <= int.MaxValue && value == Math.Floor(value)
                ? (int)value
                : throw new DatasetException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{dataset.Path}: label {value} of row {i} is no class number"));
            if (dataset.Labels.Count > 0 && classes[i] >= dataset.Labels.Count)
            {
                throw new DatasetException($"{dataset.Path}: row {i} has class {classes[i]}, labels names {dataset.Labels.Count}");
            }
        }

        return classes;
    }
}
