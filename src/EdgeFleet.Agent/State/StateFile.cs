using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.State;

/// <summary>
/// A small JSON document of the agent's own. Its last property is a checksum over all before it, because a disk that
/// flips one digit leaves valid JSON behind. One that cannot be read is put aside, never believed and never fatal.
/// </summary>
internal static class StateFile
{
    private const string SealStart = ",\"checksum\":\"";
    private static readonly int s_sealLength = SealStart.Length + 8 + 2;

    public static void Write<T>(IFileStore files, string path, T document, JsonTypeInfo<T> type) =>
        DurableFile.Write(files, path, Seal(JsonSerializer.SerializeToUtf8Bytes(document, type)));

    /// <summary>The document; null where there is none or where it is damaged and was moved to <c>PATH.bad</c>.</summary>
    public static T? Read<T>(IFileStore files, string path, JsonTypeInfo<T> type, Func<T, int> schemaVersion, int known, Action<string, string> quarantined)
        where T : class
    {
        if (files.Read(path) is not { } bytes)
        {
            return null;
        }
        if (Parse(bytes, type, schemaVersion, known, out string reason) is { } document)
        {
            return document;
        }
        Quarantine(files, path);
        quarantined(path, reason);
        return null;
    }

    /// <summary>The document in these bytes; null where they are damaged, with the reason.</summary>
    public static T? Parse<T>(byte[] bytes, JsonTypeInfo<T> type, Func<T, int> schemaVersion, int known, out string reason)
        where T : class
    {
        reason = "";
        try
        {
            if (!IsSealed(bytes))
            {
                reason = "its checksum does not match";
            }
            else if (JsonSerializer.Deserialize(bytes, type) is not { } document)
            {
                reason = "it holds no document";
            }
            else if (schemaVersion(document) != known)
            {
                reason = $"schemaVersion {schemaVersion(document)} is not known; this build reads {known}";
            }
            else
            {
                return document;
            }
        }
        catch (JsonException ex)
        {
            reason = ex.Message;
        }
        return null;
    }

    /// <summary>Moves a file aside as <c>PATH.bad</c>; the newest bad one is kept for a person to look at.</summary>
    public static void Quarantine(IFileStore files, string path)
    {
        files.Rename(path, path + ".bad");
        files.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    internal static byte[] Seal(ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> open = json[..^1];
        byte[] seal = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{SealStart}{Checksum(open):x8}\"}}"));
        return [.. open, .. seal];
    }

    internal static bool IsSealed(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < s_sealLength)
        {
            return false;
        }
        ReadOnlySpan<byte> open = bytes[..^s_sealLength];
        return bytes[open.Length..].SequenceEqual(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{SealStart}{Checksum(open):x8}\"}}")));
    }

    /// <summary>CRC-32C.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (byte b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }
        return ~crc;
    }
}
