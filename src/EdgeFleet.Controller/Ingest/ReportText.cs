namespace EdgeFleet.Controller.Ingest;

/// <summary>Text from a device ends up on terminals and pages: control characters go at the door, and lengths are bounded.</summary>
internal static class ReportText
{
    public const int MaximumLength = 1024;

    public static string Clean(string text, int maximum = MaximumLength)
    {
        ReadOnlySpan<char> kept = text.AsSpan(0, Math.Min(text.Length, maximum));
        return kept.ContainsAnyInRange('\0', '\x1f') || kept.ContainsAnyInRange('\x7f', '\x9f')
            ? string.Concat(kept.ToString().Select(c => char.IsControl(c) ? ' ' : c))
            : kept.ToString();
    }

    /// <exception cref="FormatException">Two names are the same, as they came or once cut to length; or there are too many.</exception>
    public static Dictionary<string, string> CleanMap(string what, IReadOnlyCollection<KeyValuePair<string, string>> entries, int maximum)
    {
        if (entries.Count > maximum)
        {
            throw new FormatException($"{what}: {entries.Count} entries; at most {maximum}");
        }
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        foreach ((string name, string value) in entries)
        {
            string key = Clean(name, 64);
            if (!map.TryAdd(key, Clean(value, 256)))
            {
                throw new FormatException($"{what}: '{key}' is there twice; the first 64 characters of a name count");
            }
        }
        return map;
    }
}
