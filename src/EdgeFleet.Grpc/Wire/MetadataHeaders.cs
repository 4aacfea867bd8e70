using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Grpc.Core.Wire;

/// <summary>Metadata as HTTP/2 header fields and back.</summary>
internal static class MetadataHeaders
{
    private static readonly SearchValues<char> s_printable = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7F - 0x20).Select(c => (char)c)]);

    /// <summary>What the protocol itself uses; never metadata, in neither direction.</summary>
    private static readonly HashSet<string> s_reserved = new(
        [
            "content-type", "content-length", "te", "host",
            "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
            GrpcHeaders.Timeout, GrpcHeaders.Encoding, GrpcHeaders.AcceptEncoding, GrpcHeaders.Status, GrpcHeaders.Message,
            "grpc-message-type",
        ],
        StringComparer.OrdinalIgnoreCase);

    public static bool IsMetadata(string name) => name.Length > 0 && name[0] != ':' && !s_reserved.Contains(name);

    /// <summary>The header value of an entry; throws where the entry cannot travel.</summary>
    public static string Encode(Metadata.Entry entry)
    {
        if (s_reserved.Contains(entry.Key))
        {
            throw new ArgumentException($"Metadata key '{entry.Key}' belongs to the protocol.", nameof(entry));
        }

        if (entry.IsBinary)
        {
            // Unpadded, as the specification asks; some peers refuse padding.
            return Convert.ToBase64String(entry.ValueBytes).TrimEnd('=');
        }

        return entry.Value.AsSpan().ContainsAnyExcept(s_printable)
            ? throw new ArgumentException($"The value of metadata key '{entry.Key}' holds a character outside printable ASCII; use a key that ends in '-bin'.", nameof(entry))
            : entry.Value;
    }

    /// <summary>
    /// Adds what one header field says. A binary field may hold several values joined by commas, with or without
    /// padding. A field that is not legal metadata is left out: it was never ours.
    /// </summary>
    public static void Decode(string name, string value, Metadata into)
    {
        if (!IsMetadata(name) || !Metadata.Entry.IsLegalKey(name))
        {
            return;
        }

        if (!Metadata.Entry.IsBinaryKey(name))
        {
            into.Add(name, value);
            return;
        }

        foreach (Range part in value.AsSpan().Split(','))
        {
            if (TryDecodeBase64(value.AsSpan()[part].Trim(), out byte[] bytes))
            {
                into.Add(name, bytes);
            }
        }
    }

    private static bool TryDecodeBase64(ReadOnlySpan<char> text, out byte[] bytes)
    {
        string padded = text.TrimEnd('=').ToString();
        padded = padded.PadRight((padded.Length + 3) / 4 * 4, '=');
        byte[] buffer = new byte[Base64.GetMaxDecodedFromUtf8Length(padded.Length)];
        if (!Convert.TryFromBase64String(padded, buffer, out int length))
        {
            bytes = [];
            return false;
        }

        bytes = buffer[..length];
        return true;
    }
}
