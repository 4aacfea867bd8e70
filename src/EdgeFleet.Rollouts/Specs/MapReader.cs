using System.Globalization;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>
/// Reads the keys of one YAML mapping into values, collecting every error instead of stopping at the first. A key that
/// nobody read is unknown.
/// </summary>
internal sealed class MapReader
{
    private readonly YamlMappingNode _node;
    private readonly string _path;
    private readonly SpecReaderLog _log;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public MapReader(YamlMappingNode node, string path, SpecReaderLog log)
    {
        _node = node;
        _path = path;
        _log = log;
    }

    public string Text(string key, string fallback, bool required = false, Func<string, string?>? complaint = null)
    {
        Declare(key, "string", null, null, null, required ? null : fallback, required);
        if (Scalar(key, required, "a text") is not { } scalar)
        {
            return fallback;
        }
        string text = scalar.Value ?? "";
        if (complaint?.Invoke(text) is { } wrong)
        {
            Error(key, scalar, wrong);
            return fallback;
        }
        return text;
    }

    public int Int(string key, int fallback, int minimum, int maximum) => Int(key, (int?)fallback, minimum, maximum)!.Value;

    /// <summary>Null where it is not there: no number is meant.</summary>
    public int? OptionalInt(string key, int minimum, int maximum) => Int(key, null, minimum, maximum);

    private int? Int(string key, int? fallback, int minimum, int maximum)
    {
        Declare(key, "integer", minimum, maximum, null, fallback, false);
        if (Scalar(key, false, "a whole number") is not { } scalar)
        {
            return fallback;
        }
        if (scalar.Style == ScalarStyle.Plain
            && int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            && value >= minimum && value <= maximum)
        {
            return value;
        }
        Error(key, scalar, $"'{Shown(scalar)}' is not allowed; expected a whole number from {minimum} to {maximum}");
        return fallback;
    }

    public double Number(string key, double fallback, double minimum, double maximum) => Number(key, (double?)fallback, minimum, maximum)!.Value;

    /// <summary>Null where it is not there: nothing is asked, which no number says.</summary>
    public double? OptionalNumber(string key, double minimum, double maximum) => Number(key, null, minimum, maximum);

    private double? Number(string key, double? fallback, double minimum, double maximum)
    {
        Declare(key, "number", minimum, maximum, null, fallback, false);
        if (Scalar(key, false, "a number") is not { } scalar)
        {
            return fallback;
        }
        if (scalar.Style == ScalarStyle.Plain
            && double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && value >= minimum && value <= maximum)
        {
            return value;
        }
        Error(key, scalar, string.Create(CultureInfo.InvariantCulture, $"'{Shown(scalar)}' is not allowed; expected a number from {minimum} to {maximum}"));
        return fallback;
    }

    public bool Flag(string key, bool fallback)
    {
        Declare(key, "boolean", null, null, null, fallback, false);
        if (Scalar(key, false, "true or false") is not { } scalar)
        {
            return fallback;
        }
        if (scalar.Style == ScalarStyle.Plain && scalar.Value is "true" or "false")
        {
            return scalar.Value == "true";
        }
        Error(key, scalar, $"'{Shown(scalar)}' is not allowed; expected true or false");
        return fallback;
    }

    public T Choice<T>(string key, T fallback)
        where T : struct, Enum
    {
        string[] allowed = [.. Enum.GetNames<T>().Select(JsonNamingPolicy.CamelCase.ConvertName)];
        Declare(key, "string", null, null, allowed, JsonNamingPolicy.CamelCase.ConvertName(fallback.ToString()), false);
        if (Scalar(key, false, "one of " + string.Join(", ", allowed)) is not { } scalar)
        {
            return fallback;
        }
        int index = Array.IndexOf(allowed, scalar.Value);
        if (index >= 0)
        {
            return Enum.GetValues<T>()[index];
        }
        Error(key, scalar, $"'{Shown(scalar)}' is not allowed; expected one of {string.Join(", ", allowed)}");
        return fallback;
    }

    /// <summary>The text must be exactly <paramref name="expected"/>.</summary>
    public void Constant(string key, string expected)
    {
        Declare(key, "string", null, null, [expected], null, true);
        if (Scalar(key, true, $"'{expected}'") is { } scalar && scalar.Value != expected)
        {
            Error(key, scalar, $"'{Shown(scalar)}' is not allowed; expected '{expected}'");
        }
    }

    /// <summary>A nested mapping; null when it is absent or no mapping (which is an error).</summary>
    public MapReader? Map(string key, bool required = false)
    {
        Declare(key, "object", null, null, null, null, required);
        if (Find(key) is not { } node)
        {
            if (required)
            {
                Missing(key, "a mapping");
            }
            return null;
        }
        if (IsNull(node) && !required)
        {
            return null;
        }
        if (node is YamlMappingNode map)
        {
            return new MapReader(map, Join(key), _log);
        }
        Error(key, node, "expected a mapping of keys to values");
        return null;
    }

    /// <summary>A nested mapping, or an empty one, so that reading it yields the defaults and declares the keys.</summary>
    public MapReader MapOrEmpty(string key) => Map(key) ?? new MapReader(new YamlMappingNode(), Join(key), _log);

    /// <summary>The entries of a sequence; null when it is absent or no sequence (which is an error).</summary>
    public IReadOnlyList<YamlNode>? Sequence(string key)
    {
        Declare(key, "array", null, null, null, null, false);
        switch (Find(key))
        {
            case null:
                return null;
            case YamlSequenceNode sequence:
                return [.. sequence.Children];
            case var node:
                Error(key, node, "expected a list");
                return null;
        }
    }

    /// <summary>A list of texts; empty when it is absent.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        List<string> texts = [];
        foreach (YamlNode node in Sequence(key) ?? [])
        {
            if (node is YamlScalarNode { Value: { } text })
            {
                texts.Add(text);
            }
            else
            {
                Error(key, node, "expected a list of texts");
            }
        }
        return texts;
    }

    /// <summary>A value that may have one of several shapes; null when it is absent.</summary>
    public YamlNode? Any(string key, string types, object fallback)
    {
        Declare(key, types, null, null, null, fallback, false);
        return Find(key) is { } node && !IsNull(node) ? node : null;
    }

    public bool Has(string key) => Find(key) is { } node && !IsNull(node);

    /// <summary>The only key of a mapping of one, such as <c>{canary: {devices: 2}}</c>.</summary>
    public string? Single() =>
        _node.Children.Count == 1 && _node.Children.First().Key is YamlScalarNode { Value: { } name } ? name : null;

    public int ErrorCount => _log.Errors.Count;

    /// <summary>A reader for a mapping found inside one of this mapping's values.</summary>
    public MapReader Inner(YamlMappingNode node, string path) => new(node, Join(path), _log);

    public void ErrorAt(string path, YamlNode node, string message) => Error(path, node, message);

    public void Error(string key, string message) => Error(key, Find(key) ?? _node, message);

    /// <summary>Complains about every key that was not asked for.</summary>
    public void Done()
    {
        foreach (YamlNode key in _node.Children.Keys)
        {
            string name = key is YamlScalarNode scalar ? scalar.Value ?? "" : key.ToString();
            if (!_known.Contains(name))
            {
                _log.Add(new SpecError(Join(Printable(name)), key.Start.Line, key.Start.Column, $"unknown key; allowed here: {string.Join(", ", _known)}"));
            }
        }
    }

    private void Error(string key, YamlNode at, string message) =>
        _log.Add(new SpecError(Join(key), at.Start.Line, at.Start.Column, message));

    private void Missing(string key, string what) =>
        _log.Add(new SpecError(Join(key), _node.Start.Line, _node.Start.Column, $"is missing; expected {what}"));

    private YamlScalarNode? Scalar(string key, bool required, string what)
    {
        switch (Find(key))
        {
            case null:
                if (required)
                {
                    Missing(key, what);
                }
                return null;
            case YamlScalarNode scalar when IsNull(scalar):
                if (required)
                {
                    Missing(key, what);
                }
                return null;
            case YamlScalarNode scalar:
                return scalar;
            case var node:
                Error(key, node, $"expected {what}, got {(node is YamlSequenceNode ? "a list" : "a mapping")}");
                return null;
        }
    }

    private YamlNode? Find(string key) => _node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) ? node : null;

    private void Declare(string key, string type, double? minimum, double? maximum, IReadOnlyList<string>? allowed, object? fallback, bool required)
    {
        _known.Add(key);
        _log.Declare(new FieldShape(Join(key), type, minimum, maximum, allowed, fallback, required));
    }

    private string Join(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private static string Shown(YamlScalarNode scalar) => Printable(scalar.Value ?? "");

    internal static string Printable(string text) =>
        string.Concat(text.Take(80).Select(c => char.IsControl(c) ? '?' : c)) + (text.Length > 80 ? "…" : "");
}
