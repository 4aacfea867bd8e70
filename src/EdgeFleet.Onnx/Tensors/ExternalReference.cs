using System.Globalization;
using EdgeFleet.Onnx.Schema;
using Google.Protobuf;

namespace EdgeFleet.Onnx.Tensors;

/// <summary>Where the bytes of a tensor lie when they are not in the model file.</summary>
internal sealed record ExternalReference(string Location, long Offset, long? LengthBytes)
{
    private const int AlignmentBytes = 4096;

    public static ExternalReference? Of(TensorProto tensor)
    {
        if (tensor.DataLocation != TensorProto.Types.DataLocation.External)
        {
            return null;
        }

        string? location = null;
        long offset = 0;
        long? length = null;
        foreach (StringStringEntryProto entry in tensor.ExternalData)
        {
            switch (entry.Key)
            {
                case "location":
                    location = entry.Value;
                    break;
                case "offset":
                    offset = ParseSize(tensor, entry);
                    break;
                case "length":
                    length = ParseSize(tensor, entry);
                    break;
                default:
                    // The format allows further keys (checksum, basepath); they do not say where the bytes are.
                    break;
            }
        }

        return location is null
            ? throw new InvalidModelException($"tensor '{tensor.Name}': external data without a location")
            : new ExternalReference(location, offset, length);
    }

    /// <summary>A name that cannot leave its folder, on any system.</summary>
    public static bool IsPlainFileName(string name) =>
        name.Length is > 0 and <= 255
        && name[0] != '.'
        && name.AsSpan().IndexOfAny("/\\:\0") < 0
        && !name.Any(char.IsControl);

    /// <summary>Brings the bytes of a tensor into the model; does nothing for a tensor that has them already.</summary>
    public static void Inline(TensorProto tensor, string? folder)
    {
        if (Of(tensor) is not { } reference)
        {
            return;
        }

        byte[] bytes = Read(tensor, reference, folder);
        tensor.RawData = ByteString.CopyFrom(bytes);
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();
    }

    public static byte[] Read(TensorProto tensor, ExternalReference reference, string? folder)
    {
        if (folder is null || !IsPlainFileName(reference.Location))
        {
            throw new InvalidModelException($"tensor '{tensor.Name}': external data '{reference.Location}' is not a file beside the model");
        }

        long expected = TensorSize.Bytes(tensor);
        if (reference.LengthBytes is { } stated && stated != expected)
        {
            throw new InvalidModelException(
                $"tensor '{tensor.Name}': external data states {stated} bytes, its shape needs {expected}");
        }

        string path = Path.Join(folder, reference.Location);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (reference.Offset > stream.Length - expected)
        {
            throw new InvalidModelException(
                $"tensor '{tensor.Name}': bytes {reference.Offset} to {reference.Offset + expected} are beyond the end of '{reference.Location}' ({stream.Length} bytes)");
        }

        byte[] bytes = new byte[expected];
        stream.Position = reference.Offset;
        stream.ReadExactly(bytes);
        return bytes;
    }

    public static void MoveOut(TensorProto tensor, string fileName, Stream destination)
    {
        long padding = (AlignmentBytes - (destination.Position % AlignmentBytes)) % AlignmentBytes;
        destination.Write(new byte[padding]);
        long offset = destination.Position;
        ByteString raw = tensor.RawData;
        destination.Write(raw.Span);
        tensor.ClearRawData();
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = fileName });
        tensor.ExternalData.Add(Entry("offset", offset));
        tensor.ExternalData.Add(Entry("length", raw.Length));
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
    }

    private static StringStringEntryProto Entry(string key, long value) =>
        new() { Key = key, Value = value.ToString(CultureInfo.InvariantCulture) };

    private static long ParseSize(TensorProto tensor, StringStringEntryProto entry) =>
        long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new InvalidModelException($"tensor '{tensor.Name}': external data {entry.Key} '{entry.Value}' is not a size");
}
