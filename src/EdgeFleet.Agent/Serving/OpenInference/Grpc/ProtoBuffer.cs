using System.Buffers;
using System.Numerics;
using System.Text;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>Protobuf fields in the making; its memory is used again.</summary>
internal sealed class ProtoBuffer
{
    private readonly ArrayBufferWriter<byte> _bytes = new(1024);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public static int VarintSize(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Of a text or message field with a one-byte tag; nothing where it is empty.</summary>
    public static int FieldSize(int length) => length == 0 ? 0 : 1 + VarintSize((ulong)length) + length;

    public void Clear() => _bytes.ResetWrittenCount();

    public void Tag(int field, WireType type) => Varint(((ulong)field << 3) | (ulong)type);

    public void Varint(ulong value)
    {
        Span<byte> span = _bytes.GetSpan(10);
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            span[length++] = (byte)(value | 0x80);
        }
        span[length++] = (byte)value;
        _bytes.Advance(length);
    }

    public void Bytes(ReadOnlySpan<byte> value) => _bytes.Write(value);

    /// <summary>A field of bytes, there even when it is empty: each of a repeated one counts.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, WireType.Bytes);
        Varint((ulong)value.Length);
        _bytes.Write(value);
    }

    public void Text(int field, string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }
        Tag(field, WireType.Bytes);
        Varint((ulong)Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, _bytes);
    }
}
