using EdgeFleet.Evaluation.Documents;

namespace EdgeFleet.Evaluation.Datasets;

/// <summary>The order in which a row's values reach the model.</summary>
internal enum RowLayout
{
    AsStored,
    HwcToChw,
    ChwToHwc,
}

/// <summary>
/// How stored numbers become the model's input: (value · scale − mean) / std, mean and std one number or one per channel,
/// then the layout and the shape.
/// </summary>
internal sealed record Preprocessing
{
    public double Scale { get; init; } = 1;

    public IReadOnlyList<double> Mean { get; init; } = [0];

    public IReadOnlyList<double> Std { get; init; } = [1];

    public RowLayout Layout { get; init; } = RowLayout.AsStored;

    /// <summary>Null keeps the stored shape.</summary>
    public IReadOnlyList<int>? Shape { get; init; }

    public bool ChannelsLast { get; init; }

    public static Preprocessing From(DocumentMap? map)
    {
        if (map is null)
        {
            return new Preprocessing();
        }

        map.AllowOnly("scale", "mean", "std", "layout", "channels", "shape");
        RowLayout layout = map.OptionalChoice("layout", "as-stored", "as-stored", "hwc-to-chw", "chw-to-hwc") switch
        {
            "hwc-to-chw" => RowLayout.HwcToChw,
            "chw-to-hwc" => RowLayout.ChwToHwc,
            _ => RowLayout.AsStored,
        };
        IReadOnlyList<double> std = map.OptionalNumbers("std") ?? [1];
        if (std.Any(value => value == 0))
        {
            throw map.Error("std", "std is 0; values are divided by it");
        }

        IReadOnlyList<double>? shape = map.OptionalNumbers("shape");
        if (shape is not null && shape.Any(dim => dim < 1 || dim != Math.Floor(dim) || dim > int.MaxValue))
        {
            throw map.Error("shape", $"shape is [{string.Join(", ", shape)}]; expected whole numbers, the dimensions of one row as the model takes it");
        }

        return new Preprocessing
        {
            Scale = map.Number("scale", 1, double.MinValue, double.MaxValue),
            Mean = map.OptionalNumbers("mean") ?? [0],
            Std = std,
            Layout = layout,
            ChannelsLast = map.OptionalChoice("channels", layout == RowLayout.ChwToHwc ? "last" : "first", "first", "last") == "last",
            Shape = shape is null ? null : [.. shape.Select(dim => (int)dim)],
        };
    }

    /// <summary>The shape of one row as the model takes it.</summary>
    /// <exception cref="DatasetException">The stored rows do not fit the layout, the shape or the channels.</exception>
    public IReadOnlyList<int> ModelShape(IReadOnlyList<int> stored)
    {
        if (Layout != RowLayout.AsStored && stored.Count != 3)
        {
            throw new DatasetException($"preprocessing.layout moves the channels of rows with three dimensions; these rows are [{string.Join(", ", stored)}]");
        }

        IReadOnlyList<int> moved = Layout switch
        {
            RowLayout.HwcToChw => [stored[2], stored[0], stored[1]],
            RowLayout.ChwToHwc => [stored[1], stored[2], stored[0]],
            _ => stored,
        };
        IReadOnlyList<int> shape = Shape ?? moved;
        if (Product(shape) != Product(stored))
        {
            throw new DatasetException($"preprocessing.shape [{string.Join(", ", shape)}] has {Product(shape)} values, the stored rows [{string.Join(", ", stored)}] have {Product(stored)}");
        }

        int channels = Channels(shape);
        foreach ((string name, int count) in new[] { ("mean", Mean.Count), ("std", Std.Count) })
        {
            if (count != 1 && count != channels)
            {
                throw new DatasetException($"preprocessing.{name} has {count} values; expected 1 or one for each of {channels} channels of [{string.Join(", ", shape)}]");
            }
        }

        return shape;
    }

    /// <summary>Fills one row of the model's input.</summary>
    public void Apply(StoredArray array, int row, IReadOnlyList<int> shape, Span<float> destination)
    {
        int channels = Channels(shape);
        int perChannel = Math.Max(1, destination.Length / Math.Max(1, channels));
        for (int i = 0; i < destination.Length; i++)
        {
            int channel = ChannelsLast ? i % channels : i / perChannel;
            double mean = Mean[Mean.Count == 1 ? 0 : channel];
            double std = Std[Std.Count == 1 ? 0 : channel];
            destination[i] = (float)(((array.Value(row, StoredIndex(i, array.RowShape)) * Scale) - mean) / std);
        }
    }

    private int StoredIndex(int index, IReadOnlyList<int> stored)
    {
        if (Layout == RowLayout.AsStored)
        {
            return index;
        }

        // Channels-first index ↔ channels-last index of the same pixel; which of the two is stored differs.
        int channels = Layout == RowLayout.HwcToChw ? stored[2] : stored[0];
        int pixels = Layout == RowLayout.HwcToChw ? stored[0] * stored[1] : stored[1] * stored[2];
        return Layout == RowLayout.HwcToChw
            ? ((index % pixels) * channels) + (index / pixels)
            : ((index % channels) * pixels) + (index / channels);
    }

    private int Channels(IReadOnlyList<int> shape) => shape.Count == 0 ? 1 : ChannelsLast ? shape[^1] : shape[0];

    private static long Product(IReadOnlyList<int> shape) => shape.Aggregate(1L, (product, dim) => product * dim);
}
