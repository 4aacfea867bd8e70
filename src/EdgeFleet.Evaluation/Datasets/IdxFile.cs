using System.Buffers.Binary;
using System.IO.Compression;

namespace EdgeFleet.Evaluation.Datasets;

/// <summary>
/// The IDX format of the MNIST family: two zero bytes, a type, the number of dimensions, the dimensions as 32 bit numbers,
/// the values; all big-endian. Files are often gzipped, which their first two bytes say.
/// </summary>
internal static class IdxFile
{
    private const int MaxDimensions = 8;

    public static StoredArray Read(string path, RowRange range)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        Span<byte> magic = stackalloc byte[2];
        bool gzipped = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
        file.Position = 0;
        if (!gzipped)
        {
            return Read(file, path, range);
        }

        using GZipStream unpacked = new(file, CompressionMode.Decompress);
        return Read(unpacked, path, range);
    }

    private static StoredArray Read(Stream stream, string path, RowRange range)
    {
        Span<byte> header = stackalloc byte[4];
        long[] shape;
        try
        {
            stream.ReadExactly(header);
            if (header[0] != 0 || header[1] != 0 || header[3] is 0 or > MaxDimensions)
            {
                throw new DatasetException($"'{path}' is not an IDX file: it begins with {Convert.ToHexStringLower(header)}");
            }

            shape = new long[header[3]];
            Span<byte> dimension = stackalloc byte[4];
            for (int i = 0; i < shape.Length; i++)
            {
                stream.ReadExactly(dimension);
                shape[i] = BinaryPrimitives.ReadUInt32BigEndian(dimension);
            }
        }
        catch (Exception ex) when (ex is EndOfStreamException or InvalidDataException)
        {
            throw new DatasetException($"'{path}' is not an IDX file, or a broken one: {ex.Message}", ex);
        }

        StoredType type = header[2] switch
        {
            0x08 => StoredType.UInt8,
            0x09 => StoredType.Int8,
            0x0B => StoredType.Int16,
            0x0C => StoredType.Int32,
            0x0D => StoredType.Float32,
            0x0E => StoredType.Float64,
            byte other => throw new DatasetException($"'{path}': IDX type 0x{other:x2} is not known"),
        };
        return StoredArray.Read(stream, $"'{path}'", type, shape, bigEndian: true, range);
    }
}
