namespace EdgeFleet.Rollouts.Specs;

/// <summary>What a selector's name stands for.</summary>
public enum SelectorType
{
    /// <summary>Compared as it is written; has no order.</summary>
    Text,
    Number,
    /// <summary>Numbers with dots, compared part by part.</summary>
    Version,
    /// <summary>Text that whoever enrolled the device chose; a number where it is compared with one by order.</summary>
    Label,
}

/// <summary>
/// A fact of a device, or a label: <c>site</c> and <c>label.site</c> are the same, and <c>label.board</c> is a label that has
/// the name of a fact.
/// </summary>
/// <param name="Key">Among the attributes of a device.</param>
/// <param name="Type">How it compares.</param>
public sealed record SelectorName(string Key, SelectorType Type)
{
    public const string LabelPrefix = "label.";

    private static readonly Dictionary<string, SelectorName> s_facts = new(StringComparer.Ordinal)
    {
        ["deviceId"] = new("deviceId", SelectorType.Text),
        ["hardwareClass"] = new("hardwareClass", SelectorType.Text),
        ["class"] = new("hardwareClass", SelectorType.Text),
        ["board"] = new("board", SelectorType.Text),
        ["powerMode"] = new("powerMode", SelectorType.Text),
        ["runtime"] = new("runtime", SelectorType.Text),
        ["provider"] = new("provider", SelectorType.Text),
        ["threads"] = new("threads", SelectorType.Number),
        ["memoryMiB"] = new("memoryMiB", SelectorType.Number),
        ["agentVersion"] = new("agentVersion", SelectorType.Version),
    };

    /// <exception cref="FormatException">It is a fact's name but for the case of a letter: it would select nothing, in silence.</exception>
    public static SelectorName Of(string name)
    {
        if (name.StartsWith(LabelPrefix, StringComparison.Ordinal))
        {
            string label = name[LabelPrefix.Length..];
            return new SelectorName(IsFact(label) ? name : label, SelectorType.Label);
        }
        return s_facts.TryGetValue(name, out SelectorName? fact) ? fact
            : s_facts.Keys.FirstOrDefault(known => string.Equals(known, name, StringComparison.OrdinalIgnoreCase)) is { } meant
                ? throw new FormatException($"'{name}': the fact is called {meant}; a label of that name is {LabelPrefix}{name}")
            : new SelectorName(name, SelectorType.Label);
    }

    /// <summary>Whether a label of this name is asked for by its long name only.</summary>
    public static bool IsFact(string name) => s_facts.ContainsKey(name);
}
