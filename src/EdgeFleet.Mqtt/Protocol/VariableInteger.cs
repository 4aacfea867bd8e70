namespace EdgeFleet.Mqtt.Protocol;

/// <summary>Seven bits a byte, lowest first, one to four bytes (MQTT 5, 1.5.5).</summary>
internal static class VariableInteger
{
    public const int Maximum = 268_435_455;

    public enum Result
    {
        Complete,
        Incomplete,
        Invalid,
    }

    public static int Size(int value) => value switch
    {
        < 1 << 7 => 1,
        < 1 << 14 => 2,
        < 1 << 21 => 3,
        _ => 4,
    };

    public static Result TryRead(ReadOnlySpan<byte> bytes, out int value, out int length)
    {
        value = 0;
        for (length = 0; length < 4;)
        {
            if (length == bytes.Length)
            {
                return Result.Incomplete;
            }
            byte b = bytes[length];
            value |= (b & 0x7F) << (7 * length);
            length++;
            if ((b & 0x80) == 0)
            {
                // 0x80 0x00 would be zero in two bytes; the specification wants the shortest form.
                return b == 0 && length > 1 ? Result.Invalid : Result.Complete;
            }
        }
        return Result.Invalid;
    }
}
