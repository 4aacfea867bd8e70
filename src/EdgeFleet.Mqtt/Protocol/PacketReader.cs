using System.Buffers.Binary;
using System.Text;

namespace EdgeFleet.Mqtt.Protocol;

/// <summary>Reads the data types of MQTT 5 (section 1.5) and never past the end of what it was given.</summary>
internal ref struct PacketReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = bytes;

    public readonly int Remaining => _rest.Length;

    public readonly bool AtEnd => _rest.IsEmpty;

    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > _rest.Length)
        {
            throw MqttProtocolException.Malformed($"{what} needs {count} bytes, {_rest.Length} are left");
        }
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    public byte ReadByte(string what) => Take(1, what)[0];

    public ushort ReadUInt16(string what) => BinaryPrimitives.ReadUInt16BigEndian(Take(2, what));

    public uint ReadUInt32(string what) => BinaryPrimitives.ReadUInt32BigEndian(Take(4, what));

    public ReadOnlySpan<byte> ReadBinary(string what) => Take(ReadUInt16(what), what);

    public string ReadString(string what) => DecodeString(ReadBinary(what), what);

    public static string DecodeString(ReadOnlySpan<byte> utf8, string what)
    {
        if (utf8.Contains((byte)0))
        {
            throw MqttProtocolException.Malformed($"{what} contains a NUL character");
        }
        try
        {
            return s_strictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            throw MqttProtocolException.Malformed($"{what} is not UTF-8");
        }
    }

    /// <summary>Rejects more than four bytes and forms longer than needed.</summary>
    public int ReadVariableInteger(string what)
    {
        switch (VariableInteger.TryRead(_rest, out int value, out int length))
        {
            case VariableInteger.Result.Complete:
                _rest = _rest[length..];
                return value;
            case VariableInteger.Result.Invalid:
                throw MqttProtocolException.Malformed($"{what} is not a variable byte integer");
            default:
                throw MqttProtocolException.Malformed($"{what} is cut off");
        }
    }

    public readonly void RequireEnd(string what)
    {
        if (!_rest.IsEmpty)
        {
            throw MqttProtocolException.Malformed($"{what} has {_rest.Length} bytes too many");
        }
    }
}
