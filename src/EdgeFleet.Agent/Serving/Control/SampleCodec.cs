using System.Buffers.Binary;
using System.Text;
using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Control;

/// <summary>
/// Samples on the control socket, little endian: int32 count; per sample its <see cref="SampleTags"/> (in the second format; the
/// first has none), int32 inputs; per input int32 length and bytes of
/// the name, int32 element type (ONNX TensorProto.DataType), int32 rank, int64 dimensions, int32 length and bytes of the data.
/// </summary>
internal static class SampleCodec
{
    public static byte[] Empty => [0, 0, 0, 0];

    public static int SizeOf(IReadOnlyList<PreparedTensor> inputs)
    {
        int size = sizeof(int);
        foreach (PreparedTensor input in inputs)
        {
            size += (4 * sizeof(int)) + Encoding.UTF8.GetByteCount(input.Name) + (input.Shape.Count * sizeof(long)) + input.ByteCount;
        }
        return size;
    }

    public static void Write(IReadOnlyList<PreparedTensor> inputs, Span<byte> target)
    {
        target = WriteInt(target, inputs.Count);
        foreach (PreparedTensor input in inputs)
        {
            int name = Encoding.UTF8.GetBytes(input.Name, target[sizeof(int)..]);
            target = WriteInt(target, name)[name..];
            target = WriteInt(target, ElementTypes.OnnxNumberOf(input.Spec.ElementType));
            target = WriteInt(target, input.Shape.Count);
            foreach (long size in input.Shape)
            {
                BinaryPrimitives.WriteInt64LittleEndian(target, size);
                target = target[sizeof(long)..];
            }
            target = WriteInt(target, input.ByteCount);
            input.Bytes.CopyTo(target);
            target = target[input.ByteCount..];
        }
    }

    public static void WriteCount(Span<byte> encoded, int count) => BinaryPrimitives.WriteInt32LittleEndian(encoded, count);

    /// <exception cref="FormatException">The bytes end early or hold a type that is not known.</exception>
    public static IReadOnlyList<LiveSample> Read(ReadOnlyMemory<byte> encoded, bool tagged)
    {
        try
        {
            List<LiveSample> samples = [];
            int position = 0;
            int count = Int(encoded, ref position);
            for (int s = 0; s < count; s++)
            {
                SampleTags tags = tagged ? SampleTags.Read(encoded.Span, ref position) : SampleTags.None;
                List<Tensor> inputs = [];
                for (int left = Int(encoded, ref position); left > 0; left--)
                {
                    inputs.Add(ReadTensor(encoded, ref position));
                }
                samples.Add(new LiveSample(inputs, tags));
            }
            return samples;
        }
        catch (Exception ex) when (ex is ArgumentException or OverflowException)
        {
            throw new FormatException($"samples: {ex.Message}", ex);
        }
    }

    private static Tensor ReadTensor(ReadOnlyMemory<byte> encoded, ref int position)
    {
        int nameLength = Int(encoded, ref position);
        string name = Encoding.UTF8.GetString(encoded.Span.Slice(position, nameLength));
        position += nameLength;
        int type = Int(encoded, ref position);
        long[] shape = new long[Math.Min(Int(encoded, ref position), 64)];
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt64LittleEndian(encoded.Span[position..]);
            position += sizeof(long);
        }
        int bytes = Int(encoded, ref position);
        ReadOnlyMemory<byte> data = encoded.Slice(position, bytes);
        position += bytes;
        return new Tensor(name, ElementTypes.NameOf(type) ?? throw new ArgumentException($"element type {type} is not known"), shape, data);
    }

    private static int Int(ReadOnlyMemory<byte> encoded, ref int position)
    {
        int value = BinaryPrimitives.ReadInt32LittleEndian(encoded.Span[position..]);
        position += sizeof(int);
        return value;
    }

    private static Span<byte> WriteInt(Span<byte> target, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, value);
        return target[sizeof(int)..];
    }
}
