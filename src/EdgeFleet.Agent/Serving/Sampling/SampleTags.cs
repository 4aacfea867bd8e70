using System.Buffers.Binary;
using System.Text;

namespace EdgeFleet.Agent.Serving.Sampling;

/// <summary>
/// What goes with a sampled input: the request's id, and for each slice which of its listed values the request carried. No other
/// parameter leaves the runner. Written before a sample as int32 length and bytes of the id (-1 for none), int32 count of slices
/// and int32 each (-1 for a value that is not listed).
/// </summary>
internal readonly record struct SampleTags(string? Id, int[] Slices)
{
    /// <summary>A longer id is none: it is kept for hours.</summary>
    public const int MaximumIdLength = 128;

    public static SampleTags None => new(null, []);

    public int Size => sizeof(int) + (Id is null ? 0 : Encoding.UTF8.GetByteCount(Id)) + sizeof(int) + (Slices.Length * sizeof(int));

    public void Write(Span<byte> target)
    {
        int length = Id is null ? -1 : Encoding.UTF8.GetBytes(Id, target[sizeof(int)..]);
        BinaryPrimitives.WriteInt32LittleEndian(target, length);
        target = target[(sizeof(int) + Math.Max(length, 0))..];
        BinaryPrimitives.WriteInt32LittleEndian(target, Slices.Length);
        foreach (int slice in Slices)
        {
            target = target[sizeof(int)..];
            BinaryPrimitives.WriteInt32LittleEndian(target, slice);
        }
    }

    /// <exception cref="ArgumentException">The bytes end early.</exception>
    public static SampleTags Read(ReadOnlySpan<byte> encoded, ref int position)
    {
        int length = Int(encoded, ref position);
        string? id = length < 0 ? null : Encoding.UTF8.GetString(encoded.Slice(position, length));
        position += Math.Max(length, 0);
        int[] slices = new int[Math.Clamp(Int(encoded, ref position), 0, Core.Evidence.SliceList.MaximumNames)];
        for (int i = 0; i < slices.Length; i++)
        {
            slices[i] = Int(encoded, ref position);
        }
        return new SampleTags(id, slices);
    }

    private static int Int(ReadOnlySpan<byte> encoded, ref int position)
    {
        int value = BinaryPrimitives.ReadInt32LittleEndian(encoded[position..]);
        position += sizeof(int);
        return value;
    }
}
