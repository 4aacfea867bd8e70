using System.Collections.Immutable;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Sketches;

/// <summary>
/// DDSketch of positive values: logarithmic bins whose representative is within <see cref="RelativeAccuracy"/> of every
/// value in the bin. Merging adds counts, so it is exact, and gives the same sketch in whatever order it is done.
/// </summary>
public sealed class LatencySketch : IEquatable<LatencySketch>
{
    /// <summary>Accuracy that every part of the product uses: sketches of other accuracies do not merge.</summary>
    public const double RelativeAccuracy = 0.01;

    /// <summary>Ratio of neighbouring bin edges.</summary>
    public static readonly double Gamma = (1 + RelativeAccuracy) / (1 - RelativeAccuracy);

    private static readonly double s_logGamma = PortableMath.Log(Gamma);

    private readonly SortedDictionary<int, long> _bins = [];

    /// <summary>Values taken in.</summary>
    public long Count { get; private set; }

    /// <summary>Occupied bins: index and count, ascending; all that is needed to build the sketch again.</summary>
    public ImmutableArray<SketchBin> Bins => [.. _bins.Select(b => new SketchBin(b.Key, b.Value))];

    /// <summary>Builds a sketch from stored bins.</summary>
    public static LatencySketch FromBins(IEnumerable<SketchBin> bins)
    {
        var sketch = new LatencySketch();
        foreach (SketchBin bin in bins)
        {
            sketch.AddToBin(bin.Index, bin.Count);
        }
        return sketch;
    }

    /// <summary>Bin of a value: ceil(log_gamma(value)).</summary>
    public static int IndexOf(double value) =>
        value > 0 && double.IsFinite(value)
            ? (int)Math.Ceiling(PortableMath.Log(value) / s_logGamma)
            : throw new ArgumentOutOfRangeException(nameof(value), value, "a sketch takes positive finite values");

    /// <summary>Representative value of a bin.</summary>
    public static double ValueOf(int index) => 2 * PortableMath.Exp(index * s_logGamma) / (Gamma + 1);

    /// <summary>Takes one value.</summary>
    public void Add(double value) => AddToBin(IndexOf(value), 1);

    /// <summary>Adds <paramref name="count"/> values to a bin.</summary>
    public void AddToBin(int index, long count)
    {
        if (count < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"bin {index}: an occupied bin holds at least one value");
        }
        _bins[index] = checked(_bins.GetValueOrDefault(index) + count);
        Count = checked(Count + count);
    }

    /// <summary>Adds everything that another sketch took in.</summary>
    public void Merge(LatencySketch other)
    {
        foreach ((int index, long count) in other.Bins) // a copy: a sketch may be merged with itself
        {
            AddToBin(index, count);
        }
    }

    /// <summary>Value at a quantile in [0, 1], within the relative accuracy; null for an empty sketch.</summary>
    public double? Quantile(double quantile)
    {
        if (!(quantile >= 0 && quantile <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(quantile), quantile, "a quantile lies in [0, 1]");
        }
        if (Count == 0)
        {
            return null;
        }
        double rank = quantile * (Count - 1);
        long seen = 0;
        foreach ((int index, long count) in _bins)
        {
            seen += count;
            if (seen > rank)
            {
                return ValueOf(index);
            }
        }
        return ValueOf(_bins.Keys.Max());
    }

    public bool Equals(LatencySketch? other) => other is not null && Bins.AsSpan().SequenceEqual(other.Bins.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as LatencySketch);

    public override int GetHashCode() => HashCode.Combine(Count, _bins.Count);
}
