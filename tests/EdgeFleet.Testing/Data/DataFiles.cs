using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace EdgeFleet.Testing.Data;

/// <summary>Writes small files in the formats that datasets come in.</summary>
public static class DataFiles
{
    /// <summary>An IDX file of unsigned bytes.</summary>
    public static byte[] Idx(ReadOnlySpan<int> shape, ReadOnlySpan<byte> values)
    {
        byte[] file = new byte[4 + (4 * shape.Length) + values.Length];
        file[2] = 0x08;
        file[3] = (byte)shape.Length;
        for (int i = 0; i < shape.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + (4 * i)), shape[i]);
        }

        values.CopyTo(file.AsSpan(4 + (4 * shape.Length)));
        return file;
    }

    public static byte[] Gzip(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    /// <summary>A .npy array; <paramref name="type"/> is NumPy's, such as &lt;f4.</summary>
    public static byte[] Npy<T>(string type, ReadOnlySpan<int> shape, ReadOnlySpan<T> values, bool fortranOrder = false)
        where T : unmanaged
    {
        string tuple = string.Join(", ", shape.ToArray()) + (shape.Length == 1 ? "," : "");
        string header = $"{{'descr': '{type}', 'fortran_order': {(fortranOrder ? "True" : "False")}, 'shape': ({tuple}), }}\n";
        byte[] size = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(size, (ushort)header.Length);
        return [0x93, .. "NUMPY"u8, 1, 0, .. size, .. Encoding.ASCII.GetBytes(header), .. MemoryMarshal.AsBytes(values)];
    }

    public static byte[] Npz(params (string Name, byte[] Npy)[] arrays)
    {
        using MemoryStream file = new();
        using (ZipArchive archive = new(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] npy) in arrays)
            {
                using Stream entry = archive.CreateEntry(name + ".npy").Open();
                entry.Write(npy);
            }
        }

        return file.ToArray();
    }
}
