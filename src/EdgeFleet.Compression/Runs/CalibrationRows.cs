using EdgeFleet.Evaluation.Datasets;

namespace EdgeFleet.Compression.Runs;

/// <summary>
/// The rows that ranges are learned from: as many of the split as the recipe asks for, chosen by its seed, in the order of
/// the file. Nothing is read before the first use.
/// </summary>
public sealed class CalibrationRows
{
    private readonly Lazy<DatasetSplit> _split;
    private readonly int _wanted;
    private readonly int _seed;
    private int[]? _chosen;

    public CalibrationRows(Dataset dataset, string split, int rows, int seed)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        _split = new Lazy<DatasetSplit>(() => dataset.Read(split));
        _wanted = rows;
        _seed = seed;
    }

    public DatasetSplit Split => _split.Value;

    /// <summary>Row numbers within the split, ascending.</summary>
    public IReadOnlyList<int> Chosen => _chosen ??= Choose(Split.Count, _wanted, _seed);

    /// <summary>The first steps of a Fisher-Yates shuffle; seeded System.Random is the same on every machine.</summary>
    internal static int[] Choose(int available, int wanted, int seed)
    {
        int[] rows = [.. Enumerable.Range(0, available)];
        if (wanted >= available)
        {
            return rows;
        }

        Random random = new(seed);
        for (int i = 0; i < wanted; i++)
        {
            int other = random.Next(i, available);
            (rows[i], rows[other]) = (rows[other], rows[i]);
        }

        int[] chosen = rows[..wanted];
        Array.Sort(chosen);
        return chosen;
    }
}
