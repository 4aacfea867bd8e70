using System.Buffers.Binary;
using System.Text;

namespace EdgeFleet.Mqtt.Protocol;

/// <summary>Writes the data types of MQTT 5 into a span that is large enough; sizes are computed before.</summary>
internal ref struct PacketWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private int _written = 0;

    public readonly int Written => _written;

    public void Byte(int value) => _destination[_written++] = (byte)value;

    public void UInt16(int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_destination[_written..], checked((ushort)value));
        _written += 2;
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_destination[_written..], value);
        _written += 4;
    }

    public void VariableInteger(int value)
    {
        do
        {
            int low = value & 0x7F;
            value >>= 7;
            Byte(value > 0 ? low | 0x80 : low);
        }
        while (value > 0);
    }

    public void String(string value)
    {
        int length = Encoding.UTF8.GetBytes(value, _destination[(_written + 2)..]);
        UInt16(length);
        _written += length;
    }

    public void Binary(ReadOnlySpan<byte> value)
    {
        UInt16(value.Length);
        Raw(value);
    }

    public void Raw(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_destination[_written..]);
        _written += value.Length;
    }

    public static int StringSize(string value) => 2 + Encoding.UTF8.GetByteCount(value);
}
