using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EdgeFleet.Evaluation.Documents;

/// <summary>
/// One mapping of a YAML (or JSON) file, read strictly: every key is asked for by name, and a key that nobody knows is an
/// error that says where it stands and what could stand there.
/// </summary>
public sealed class DocumentMap
{
    private const string ApiVersion = "edgefleet.io/v1";
    private const long MaxFileBytes = 1 << 20;
    private readonly YamlMappingNode _node;
    private readonly string _source;
    private readonly string _where;

    private DocumentMap(YamlMappingNode node, string source, string where)
    {
        _node = node;
        _source = source;
        _where = where;
    }

    public long Line => _node.Start.Line;

    public IEnumerable<string> Keys => _node.Children.Keys.Select(key => ((YamlScalarNode)key).Value ?? "");

    /// <summary>Reads a file of one kind and returns its name and its <c>spec</c>.</summary>
    /// <exception cref="DocumentException">It is no document of this kind.</exception>
    public static (string Name, DocumentMap Spec) Load(string path, string kind)
    {
        FileInfo file = new(path);
        if (!file.Exists)
        {
            throw new FileNotFoundException($"'{path}' does not exist (a {kind} file was expected there)", path);
        }

        return file.Length <= MaxFileBytes
            ? Parse(File.ReadAllText(path), path, kind)
            : throw new DocumentException($"{path}: {file.Length} bytes; a {kind} file has at most {MaxFileBytes}");
    }

    public static (string Name, DocumentMap Spec) Parse(string text, string source, string kind)
    {
        DocumentMap root = new(ParseRoot(text, source, kind), source, "the document");
        root.AllowOnly("apiVersion", "kind", "metadata", "spec");
        root.Choice("apiVersion", ApiVersion);
        root.Choice("kind", kind);
        DocumentMap metadata = root.Map("metadata");
        metadata.AllowOnly("name", "description");
        return (metadata.Text("name"), root.Map("spec"));
    }

    /// <summary>Names every key that may stand here; anything else is refused.</summary>
    public void AllowOnly(params ReadOnlySpan<string> allowed)
    {
        HashSet<string> known = [.. allowed];
        string[] names = allowed.ToArray();
        foreach (YamlNode key in _node.Children.Keys)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            if (!known.Contains(name))
            {
                throw Error(key, $"unknown key '{name}' in {_where}; allowed: {string.Join(", ", names)}");
            }
        }
    }

    public bool Has(string key) => Find(key) is not null;

    public string Text(string key) => Find(key) is { } node ? Scalar(key, node) : throw Missing(key);

    public string? OptionalText(string key) => Find(key) is { } node ? Scalar(key, node) : null;

    public string Choice(string key, params ReadOnlySpan<string> allowed)
    {
        string value = Text(key);
        string[] choices = allowed.ToArray();
        return choices.Contains(value) ? value : throw Error(Find(key)!, $"{key} is '{value}'; expected {string.Join(" or ", choices)}");
    }

    public string OptionalChoice(string key, string absent, params ReadOnlySpan<string> allowed) => Has(key) ? Choice(key, allowed) : absent;

    public double Number(string key, double absent, double minimum, double maximum) =>
        Find(key) is { } node ? Number(key, node, minimum, maximum) : absent;

    /// <summary>A whole number.</summary>
    public long Integer(string key, long absent, long minimum, long maximum)
    {
        if (Find(key) is not { } node)
        {
            return absent;
        }

        string text = Scalar(key, node);
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= minimum && value <= maximum
            ? value
            : throw Error(node, $"{key} is '{text}'; expected a whole number from {minimum} to {maximum}");
    }

    public bool Flag(string key, bool absent) => Has(key) ? Choice(key, "true", "false") == "true" : absent;

    public DocumentMap Map(string key) => OptionalMap(key) ?? throw Missing(key);

    public DocumentMap? OptionalMap(string key) => Find(key) switch
    {
        null => null,
        YamlMappingNode map => Checked(new DocumentMap(map, _source, key)),
        YamlNode other => throw Error(other, $"{key} is no mapping of keys to values"),
    };

    public IReadOnlyList<string>? OptionalTexts(string key) =>
        Find(key) is { } node ? [.. Items(key, node).Select(item => Scalar(key, item))] : null;

    /// <summary>A list of numbers; one number alone is a list of one.</summary>
    public IReadOnlyList<double>? OptionalNumbers(string key) => Find(key) switch
    {
        null => null,
        YamlScalarNode one => [Number(key, one, double.MinValue, double.MaxValue)],
        YamlNode many => [.. Items(key, many).Select(item => Number(key, item, double.MinValue, double.MaxValue))],
    };

    public IReadOnlyList<DocumentMap> Maps(string key)
    {
        YamlNode node = Find(key) ?? throw Missing(key);
        return
        [
            .. Items(key, node).Select(item => item is YamlMappingNode map
                ? Checked(new DocumentMap(map, _source, $"an item of {key}"))
                : throw Error(item, $"an item of {key} is no mapping of keys to values")),
        ];
    }

    /// <summary>An error at the place where <paramref name="key"/> stands.</summary>
    public DocumentException Error(string key, string message) => Error(Find(key) ?? _node, message);

    private static YamlMappingNode ParseRoot(string text, string source, string kind)
    {
        YamlStream stream = [];
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException ex)
        {
            throw new DocumentException($"{source}:{ex.Start.Line}: not YAML: {ex.Message}", ex);
        }

        return stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode root
            ? root
            : throw new DocumentException($"{source}: {stream.Documents.Count} documents or no mapping; expected one document with kind: {kind}");
    }

    private DocumentMap Checked(DocumentMap map)
    {
        foreach (YamlNode key in map._node.Children.Keys)
        {
            if (key is not YamlScalarNode)
            {
                throw Error(key, $"a key in {map._where} is not a plain name");
            }
        }

        return map;
    }

    private YamlNode? Find(string key)
    {
        foreach ((YamlNode name, YamlNode value) in _node.Children)
        {
            if (name is YamlScalarNode scalar && scalar.Value == key)
            {
                return value;
            }
        }

        return null;
    }

    private IEnumerable<YamlNode> Items(string key, YamlNode node) =>
        node is YamlSequenceNode list ? list.Children : throw Error(node, $"{key} is no list");

    private string Scalar(string key, YamlNode node) =>
        node is YamlScalarNode { Value: { Length: > 0 } value } ? value : throw Error(node, $"{key} has no value");

    /// <summary>A number, or a fraction such as 1/255, which says more than 0.00392156862745098.</summary>
    private double Number(string key, YamlNode node, double minimum, double maximum)
    {
        string text = Scalar(key, node);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        double value = slash < 0 ? Parse(text) : Parse(text[..slash]) / Parse(text[(slash + 1)..]);
        return double.IsFinite(value) && value >= minimum && value <= maximum
            ? value
            : throw Error(node, $"{key} is '{text}'; expected a number{Range(minimum, maximum)}");
    }

    private static double Parse(string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN;

    private static string Range(double minimum, double maximum) =>
        minimum == double.MinValue && maximum == double.MaxValue
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" from {minimum} to {maximum}");

    private DocumentException Missing(string key) => new($"{_source}:{_node.Start.Line}: '{key}' is missing in {_where}");

    private DocumentException Error(YamlNode node, string message) => new($"{_source}:{node.Start.Line}: {message}");
}
