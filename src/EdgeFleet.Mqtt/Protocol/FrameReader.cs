using System.Buffers;

namespace EdgeFleet.Mqtt.Protocol;

/// <summary>Cuts a byte stream into packets by the fixed header (MQTT 5, 2.1).</summary>
internal static class FrameReader
{
    /// <summary>
    /// Takes one whole packet from the front of <paramref name="buffer"/>, or leaves it alone and returns false.
    /// A packet that announces more than <paramref name="maximumPacketSize"/> bytes is refused on its header.
    /// </summary>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, int maximumPacketSize, out byte header, out ReadOnlySequence<byte> body)
    {
        header = 0;
        body = default;
        Span<byte> start = stackalloc byte[5];
        int available = (int)Math.Min(buffer.Length, start.Length);
        if (available < 2)
        {
            return false;
        }
        buffer.Slice(0, available).CopyTo(start);
        switch (VariableInteger.TryRead(start[1..available], out int remaining, out int lengthBytes))
        {
            case VariableInteger.Result.Incomplete:
                return false;
            case VariableInteger.Result.Invalid:
                throw MqttProtocolException.Malformed("the remaining length is not a variable byte integer");
        }
        long total = 1L + lengthBytes + remaining;
        if (total > maximumPacketSize)
        {
            throw new MqttProtocolException(MqttReasonCode.PacketTooLarge, $"a packet of {total} bytes exceeds the maximum of {maximumPacketSize}");
        }
        if (buffer.Length < total)
        {
            return false;
        }
        header = start[0];
        body = buffer.Slice(1 + lengthBytes, remaining);
        buffer = buffer.Slice(total);
        return true;
    }
}
