using System.Globalization;

namespace EdgeFleet.Compression.Recipes;

/// <summary>What a recipe says to one pass, defaults filled in; every value was checked when the recipe was read.</summary>
public sealed class PassSettings(IReadOnlyDictionary<string, string> values)
{
    public IReadOnlyDictionary<string, string> Values { get; } = values;

    public string Text(string name) => Values[name];

    public int Integer(string name) => int.Parse(Values[name], CultureInfo.InvariantCulture);

    public bool Flag(string name) => Values[name] == "true";

    public IReadOnlySet<string> Names(string name) =>
        Values[name].Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
}
