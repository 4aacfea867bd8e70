using System.Buffers.Text;

namespace EdgeFleet.Measurement.Meters;

/// <summary>Integers as drivers write them, and as some write them badly.</summary>
internal static class SensorNumber
{
    /// <summary>Takes the first word (<c>32760 ma</c> was seen) and nothing but an integer: no NaN, no fraction, nothing empty.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long value)
    {
        ReadOnlySpan<byte> word = text.Trim(" \t\r\n\0"u8);
        int end = word.IndexOfAny(" \t\r\n\0"u8);
        word = end < 0 ? word : word[..end];
        return Utf8Parser.TryParse(word, out value, out int used) && used == word.Length;
    }
}
