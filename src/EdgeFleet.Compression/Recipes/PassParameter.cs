using System.Globalization;
using EdgeFleet.Evaluation.Documents;

namespace EdgeFleet.Compression.Recipes;

/// <summary>One thing that a recipe may say to a pass, with what holds when it says nothing.</summary>
public sealed class PassParameter
{
    private readonly Func<DocumentMap, string, string> _read;

    private PassParameter(string name, string fallback, string summary, Func<DocumentMap, string, string> read)
    {
        Name = name;
        Default = fallback;
        Summary = summary;
        _read = read;
    }

    public string Name { get; }

    public string Default { get; }

    public string Summary { get; }

    public static PassParameter Choice(string name, string fallback, string summary, params string[] allowed) =>
        new(name, fallback, $"{summary} ({string.Join(", ", allowed)})", (map, key) => map.Choice(key, allowed));

    public static PassParameter Flag(string name, bool fallback, string summary) =>
        Choice(name, fallback ? "true" : "false", summary, "true", "false");

    public static PassParameter Integer(string name, int fallback, int minimum, int maximum, string summary) =>
        new(
            name,
            fallback.ToString(CultureInfo.InvariantCulture),
            $"{summary} ({minimum} to {maximum})",
            (map, key) => map.Integer(key, fallback, minimum, maximum).ToString(CultureInfo.InvariantCulture));

    /// <summary>A list of names; none unless the recipe gives some.</summary>
    public static PassParameter Names(string name, string summary) =>
        new(name, "", summary, (map, key) => string.Join('\n', map.OptionalTexts(key) ?? []));

    internal string Read(DocumentMap map) => map.Has(Name) ? _read(map, Name) : Default;
}
