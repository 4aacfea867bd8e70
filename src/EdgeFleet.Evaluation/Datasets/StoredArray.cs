namespace EdgeFleet.Evaluation.Datasets;

/// <summary>Which rows of an array to keep: from a first one, so many, each n-th.</summary>
internal readonly record struct RowRange(long First, long? Count, long Every)
{
    public bool Contains(long row) => row >= First && (row - First) % Every == 0 && (Count is null || (row - First) / Every < Count);
}

/// <summary>Rows of an array as the file stores them: the first dimension counts rows, the others are a row's shape.</summary>
internal sealed class StoredArray
{
    private readonly byte[] _bytes;
    private readonly bool _bigEndian;

    private StoredArray(StoredType type, IReadOnlyList<int> rowShape, int count, bool bigEndian, byte[] bytes)
    {
        Type = type;
        RowShape = rowShape;
        Count = count;
        RowElements = rowShape.Aggregate(1, (product, dim) => checked(product * dim));
        _bigEndian = bigEndian;
        _bytes = bytes;
    }

    public StoredType Type { get; }

    public IReadOnlyList<int> RowShape { get; }

    public int Count { get; }

    public int RowElements { get; }

    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>
    /// Reads the wanted rows of an array whose header has been read, and no byte behind the last of them. Nothing is
    /// allocated for rows that the stream does not have.
    /// </summary>
    /// <param name="name">What messages call the array.</param>
    public static StoredArray Read(Stream stream, string name, StoredType type, IReadOnlyList<long> shape, bool bigEndian, RowRange range)
    {
        if (shape.Count == 0 || shape.Any(dim => dim < 0 || dim > int.MaxValue))
        {
            throw new DatasetException($"{name}: shape [{string.Join(", ", shape)}] has no rows");
        }

        long rowBytes = StoredNumbers.WidthOf(type);
        foreach (long dim in shape.Skip(1))
        {
            rowBytes = checked(rowBytes * dim);
        }

        long rows = shape[0];
        long available = range.First >= rows ? 0 : (rows - range.First + range.Every - 1) / range.Every;
        long count = range.Count ?? available;
        if (count > available || count == 0)
        {
            throw new DatasetException(
                $"{name}: {rows} rows; {range.Count?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "all"} from row {range.First}, each {range.Every}., are {available}");
        }

        if (count * rowBytes > Array.MaxLength)
        {
            throw new DatasetException($"{name}: {count} rows of {rowBytes} bytes do not fit in memory; take a smaller range");
        }

        using MemoryStream kept = new();
        byte[] row = new byte[rowBytes];
        try
        {
            Discard(stream, range.First * rowBytes);
            for (long i = 0; i < count; i++)
            {
                stream.ReadExactly(row);
                kept.Write(row);
                if (i + 1 < count)
                {
                    Discard(stream, (range.Every - 1) * rowBytes);
                }
            }
        }
        catch (Exception ex) when (ex is EndOfStreamException or InvalidDataException)
        {
            throw new DatasetException($"{name}: the file ends or breaks after {kept.Length / Math.Max(rowBytes, 1)} of the {count} rows wanted: {ex.Message}", ex);
        }

        return new StoredArray(type, [.. shape.Skip(1).Select(dim => (int)dim)], (int)count, bigEndian, kept.ToArray());
    }

    public double Value(int row, int element)
    {
        int width = StoredNumbers.WidthOf(Type);
        return StoredNumbers.Read(Type, _bytes.AsSpan(((row * RowElements) + element) * width, width), _bigEndian);
    }

    private static void Discard(Stream stream, long bytes)
    {
        byte[] buffer = new byte[Math.Min(bytes, 81920)];
        while (bytes > 0)
        {
            int read = stream.Read(buffer, 0, (int)Math.Min(bytes, buffer.Length));
            bytes -= read > 0 ? read : throw new EndOfStreamException("it is shorter than its header says");
        }
    }
}
