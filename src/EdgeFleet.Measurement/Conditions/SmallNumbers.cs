using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>
/// Numbers in kernel files: the first word counts (some drivers write a unit behind it), a sign may stand, and a text that
/// is no number is none.
/// </summary>
internal static class SmallNumbers
{
    /// <param name="files">Where the path is read.</param>
    /// <param name="path">A file with one number.</param>
    /// <param name="why">Null where there is a number.</param>
    public static long? Number(this ISystemFiles files, string path, out string? why)
    {
        FileText text = files.Read(path);
        if (text.Text is null)
        {
            why = $"{path}: {text.Error.Describe()}";
            return null;
        }
        if (Parse(text.Text) is { } number)
        {
            why = null;
            return number;
        }
        why = $"{path} holds no number: '{text.Text}'";
        return null;
    }

    public static long? Number(this ISystemFiles files, string path) => files.Number(path, out _);

    public static string? Text(this ISystemFiles files, string path) => files.Read(path).Text is { Length: > 0 } text ? text : null;

    private static long? Parse(string text)
    {
        ReadOnlySpan<char> word = text.AsSpan().Trim();
        int end = word.IndexOfAny(" \t\n");
        return long.TryParse(end < 0 ? word : word[..end], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
