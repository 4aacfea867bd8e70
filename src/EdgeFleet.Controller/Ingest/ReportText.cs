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
}
