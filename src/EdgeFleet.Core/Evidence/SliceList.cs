using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Evidence;

/// <summary>
/// Request parameters by which a device counts apart, each with the values that may leave it: a parameter is whatever the
/// application says (a number plate, a name), so nothing goes out that an operator has not listed. Equal by value.
/// </summary>
[JsonConverter(typeof(SliceListJsonConverter))]
public sealed class SliceList : IEquatable<SliceList>
{
    public const int MaximumNames = 8;
    public const int MaximumValues = 32;
    public const int MaximumLength = 32;
    public const string Rule = "1 to 32 letters, digits, dots, underscores and hyphens";

    public static readonly SliceList None = new([]);

    private readonly SortedDictionary<string, IReadOnlyList<string>> _names;
    private readonly string _text;

    private SliceList(SortedDictionary<string, IReadOnlyList<string>> names)
    {
        _names = names;
        _text = string.Join(';', names.Select(name => $"{name.Key}={string.Join(',', name.Value)}"));
    }

    /// <summary>Allowed values by name, both in ordinal order.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Names => _names;

    /// <exception cref="FormatException">Too many, or a name or a value that breaks the rule.</exception>
    public static SliceList Of(IEnumerable<(string Name, IReadOnlyList<string> Values)> slices)
    {
        SortedDictionary<string, IReadOnlyList<string>> names = new(StringComparer.Ordinal);
        foreach ((string name, IReadOnlyList<string> values) in slices)
        {
            Require(IsWord(name), $"slice '{Shown(name)}': a name has {Rule}");
            Require(values.Count is > 0 and <= MaximumValues, $"slice '{name}': {values.Count} values; expected 1 to {MaximumValues}");
            foreach (string value in values)
            {
                Require(IsWord(value) && value != SliceCounts.Other, $"slice '{name}', value '{Shown(value)}': a value has {Rule}, and is not '{SliceCounts.Other}'");
            }
            Require(values.Distinct(StringComparer.Ordinal).Count() == values.Count, $"slice '{name}': a value is there twice");
            Require(names.TryAdd(name, [.. values.Order(StringComparer.Ordinal)]), $"slice '{name}' is there twice");
        }
        Require(names.Count <= MaximumNames, $"{names.Count} slices; at most {MaximumNames}");
        return names.Count == 0 ? None : new SliceList(names);
    }

    public bool Equals(SliceList? other) => other is not null && other._text == _text;

    public override bool Equals(object? obj) => Equals(obj as SliceList);

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => _text;

    internal static bool IsWord(string text) =>
        text is { Length: > 0 and <= MaximumLength } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>For a message: whoever wrote the text may have written anything.</summary>
    private static string Shown(string? text) => string.Concat((text ?? "").Take(40).Select(c => char.IsControl(c) ? '?' : c));

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new FormatException(what);
        }
    }
}
