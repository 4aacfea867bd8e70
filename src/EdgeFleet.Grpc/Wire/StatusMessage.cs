using System.Buffers;
using System.Text;

namespace Grpc.Core.Wire;

/// <summary>The <c>grpc-message</c> header: UTF-8 with everything outside printable ASCII, and '%', percent-encoded.</summary>
internal static class StatusMessage
{
    private const string HexDigits = "0123456789ABCDEF";

    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7F - 0x20).Select(c => (char)c).Where(c => c != '%')]);

    public static string Encode(string message)
    {
        if (!message.AsSpan().ContainsAnyExcept(s_plain))
        {
            return message;
        }

        StringBuilder encoded = new(message.Length * 2);
        foreach (byte b in Encoding.UTF8.GetBytes(message))
        {
            if (s_plain.Contains((char)b))
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append('%').Append(HexDigits[b >> 4]).Append(HexDigits[b & 0xF]);
            }
        }

        return encoded.ToString();
    }

    /// <summary>Never fails: a sequence that is not an escape stays as it is, for a garbled reason beats none.</summary>
    public static string Decode(string encoded)
    {
        if (!encoded.Contains('%', StringComparison.Ordinal))
        {
            return encoded;
        }

        ArrayBufferWriter<byte> bytes = new(encoded.Length * 2);
        ReadOnlySpan<char> rest = encoded;
        while (!rest.IsEmpty)
        {
            if (rest[0] == '%' && rest.Length >= 3 && char.IsAsciiHexDigit(rest[1]) && char.IsAsciiHexDigit(rest[2]))
            {
                bytes.GetSpan(1)[0] = Convert.FromHexString(rest.Slice(1, 2))[0];
                bytes.Advance(1);
                rest = rest[3..];
                continue;
            }

            int next = rest[1..].IndexOf('%');
            int length = next < 0 ? rest.Length : next + 1;
            bytes.Advance(Encoding.UTF8.GetBytes(rest[..length], bytes.GetSpan(Encoding.UTF8.GetMaxByteCount(length))));
            rest = rest[length..];
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
