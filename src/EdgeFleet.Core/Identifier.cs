using System.Buffers;

namespace EdgeFleet.Core;

/// <summary>
/// The one rule for names that end up in topics, paths, certificates and client ids (device, tenant, model):
/// lower-case letters, digits and hyphens. It keeps MQTT wildcards, path separators and terminal escapes out at the door.
/// </summary>
public static class Identifier
{
    public const string Rule = "1 to 63 lower-case letters, digits and hyphens, beginning with a letter or a digit";

    private const int MaximumLength = 63;
    private static readonly SearchValues<char> s_allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public static bool IsValid(string? text) =>
        text is { Length: > 0 and <= MaximumLength } && text[0] != '-' && !text.AsSpan().ContainsAnyExcept(s_allowed);

    /// <exception cref="FormatException">The text breaks the rule; the message names the thing and the value.</exception>
    public static string Require(string what, string? text) => IsValid(text)
        ? text!
        : throw new FormatException($"{what} '{text}': expected {Rule}");
}
