using System.Globalization;

namespace EdgeFleet.Linux.Memory;

/// <summary>The kernel's lists of <c>name value [kB]</c>, one to a line, as in meminfo, status and memory.stat.</summary>
internal static class KeyedLines
{
    /// <summary>The number behind a name (with or without its colon), in bytes where the line says kB; null where it is missing or no number.</summary>
    public static long? Find(string text, string name)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line.Length == name.Length || line[name.Length] is not (':' or ' ' or '\t'))
            {
                continue;
            }
            ReadOnlySpan<char> value = line[(name.Length + 1)..].Trim();
            bool kibiBytes = value.EndsWith(" kB", StringComparison.Ordinal);
            return long.TryParse(kibiBytes ? value[..^3].Trim() : value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                ? kibiBytes ? number * 1024 : number
                : null;
        }
        return null;
    }
}
