using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeFleet.Evaluation.Datasets;

/// <summary>NumPy's .npz: a ZIP with one .npy file per array, each a short text header and the values in C order.</summary>
internal static partial class NpzFile
{
    private const int MaxHeaderBytes = 64 * 1024;
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static StoredArray Read(string path, string array, RowRange range)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            using ZipArchive archive = new(file, ZipArchiveMode.Read);
            ZipArchiveEntry entry = archive.GetEntry(array + ".npy")
                ?? throw new DatasetException($"'{path}' has no array '{array}'; it has {string.Join(", ", archive.Entries.Select(e => Path.GetFileNameWithoutExtension(e.Name)).Order(StringComparer.Ordinal))}");
            using Stream stream = entry.Open();
            return ReadArray(stream, $"'{path}' array '{array}'", range);
        }
        catch (Exception ex) when (ex is InvalidDataException or EndOfStreamException)
        {
            throw new DatasetException($"'{path}' is not an .npz file, or a broken one: {ex.Message}", ex);
        }
    }

    private static StoredArray ReadArray(Stream stream, string name, RowRange range)
    {
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        if (!prefix[..6].SequenceEqual(Magic) || prefix[6] is < 1 or > 3)
        {
            throw new DatasetException($"{name} is not a .npy array of version 1 to 3");
        }

        Span<byte> sizeBytes = stackalloc byte[prefix[6] == 1 ? 2 : 4];
        stream.ReadExactly(sizeBytes);
        uint size = prefix[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(sizeBytes) : BinaryPrimitives.ReadUInt32LittleEndian(sizeBytes);
        if (size > MaxHeaderBytes)
        {
            throw new DatasetException($"{name}: a header of {size} bytes");
        }

        byte[] headerBytes = new byte[size];
        stream.ReadExactly(headerBytes);
        string header = Encoding.UTF8.GetString(headerBytes);
        Match description = DescriptionPattern().Match(header);
        Match order = OrderPattern().Match(header);
        Match shape = ShapePattern().Match(header);
        if (!description.Success || !order.Success || !shape.Success)
        {
            throw new DatasetException($"{name}: header '{header.Trim()}' cannot be read");
        }

        if (order.Groups[1].Value == "True")
        {
            throw new DatasetException($"{name} is stored in Fortran order; save it with numpy.ascontiguousarray");
        }

        string type = description.Groups[1].Value;
        return StoredArray.Read(stream, name, TypeOf(name, type), Dimensions(shape.Groups[1].Value), bigEndian: type[0] == '>', range);
    }

    private static long[] Dimensions(string tuple) =>
    [
        .. tuple.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(dim => long.TryParse(dim, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : -1),
    ];

    private static StoredType TypeOf(string name, string type) => type[1..] switch
    {
        "u1" => StoredType.UInt8,
        "i1" => StoredType.Int8,
        "u2" => StoredType.UInt16,
        "i2" => StoredType.Int16,
        "u4" => StoredType.UInt32,
        "i4" => StoredType.Int32,
        "i8" => StoredType.Int64,
        "f4" => StoredType.Float32,
        "f8" => StoredType.Float64,
        _ => throw new DatasetException($"{name}: type '{type}' is not known; whole numbers up to 64 bits and floats of 32 or 64 are"),
    };

    [GeneratedRegex("""'descr':\s*'([<>|=]\w{2,8})'""")]
    private static partial Regex DescriptionPattern();

    [GeneratedRegex("""'fortran_order':\s*(True|False)""")]
    private static partial Regex OrderPattern();

    [GeneratedRegex("""'shape':\s*\(([0-9, ]*)\)""")]
    private static partial Regex ShapePattern();
}
