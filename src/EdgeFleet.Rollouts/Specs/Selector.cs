using System.Diagnostics.CodeAnalysis;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>
/// Which devices a rollout or an assignment is for: <c>class == "x64-2t" and site in (lab, "hall") and memoryMiB >= 4096 and not
/// label.frozen</c>. A device without the label equals nothing and is neither above nor below anything, so <c>!=</c> and
/// <c>not in</c> are true for it; <c>label.NAME</c> alone asks whether there is one that is not <c>false</c>. The empty selector
/// takes every device.
/// </summary>
public sealed class Selector
{
    /// <summary>Takes every device.</summary>
    public static Selector All { get; } = new("", new Everything());

    private readonly Term _term;

    private Selector(string text, Term term)
    {
        Text = text;
        _term = term;
    }

    public string Text { get; }

    /// <exception cref="FormatException">The text is no selector; the message says where and why.</exception>
    public static Selector Parse(string text) =>
        TryParse(text, out Selector? selector, out string? wrong) ? selector : throw new FormatException(wrong);

    public static bool TryParse(string text, [NotNullWhen(true)] out Selector? selector, [NotNullWhen(false)] out string? wrong)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            (selector, wrong) = (All, null);
            return true;
        }
        try
        {
            (selector, wrong) = (new Selector(text, new SelectorParser(text).ParseAll()), null);
            return true;
        }
        catch (FormatException ex)
        {
            (selector, wrong) = (null, ex.Message);
            return false;
        }
    }

    /// <summary>Whether a device with these labels and facts is meant.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> attributes) => _term.Matches(attributes);

    public override string ToString() => Text;

    internal abstract class Term
    {
        public abstract bool Matches(IReadOnlyDictionary<string, string> attributes);
    }

    internal sealed class Everything : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) => true;
    }

    internal sealed class OneOf(string key, IReadOnlyList<string> values) : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) =>
            attributes.TryGetValue(key, out string? value) && values.Contains(value, StringComparer.Ordinal);
    }

    /// <summary>A number, or a version, by its value and not by how it is written.</summary>
    internal sealed class Compares(string key, Func<string, int?> compare, Func<int, bool> wanted) : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) =>
            attributes.TryGetValue(key, out string? value) && compare(value) is { } sign && wanted(sign);
    }

    internal sealed class Has(string key) : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) =>
            attributes.TryGetValue(key, out string? value) && !string.Equals(value, "false", StringComparison.OrdinalIgnoreCase);
    }

    internal sealed class Not(Term inner) : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) => !inner.Matches(attributes);
    }

    internal sealed class And(Term left, Term right) : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) =>
            left.Matches(attributes) && right.Matches(attributes);
    }

    internal sealed class Or(Term left, Term right) : Term
    {
        public override bool Matches(IReadOnlyDictionary<string, string> attributes) =>
            left.Matches(attributes) || right.Matches(attributes);
    }
}
