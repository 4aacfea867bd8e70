using System.Text.RegularExpressions;

namespace EdgeFleet.Core;

/// <summary>
/// The one rule for names that end up in topics, paths, certificates and client ids (device, tenant, model):
/// lower-case letters, digits and hyphens. It keeps MQTT wildcards, path separators and terminal escapes out at the door.
/// </summary>
public static partial class Identifier
{
    public const string Rule = "1 to 63 lower-case letters, digits and hyphens, beginning with a letter or a digit";

    public static bool IsValid(string? text) => text is not null && Pattern().IsMatch(text);

    /// <exception cref="FormatException">The text breaks the rule; the message names the thing and the value.</exception>
    public static string Require(string what, string? text) => IsValid(text)
        ? text!
        : throw new FormatException($"{what} '{text}': expected {Rule}");

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,62}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
