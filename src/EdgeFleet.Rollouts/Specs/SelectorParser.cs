namespace EdgeFleet.Rollouts.Specs;

/// <summary>
/// Recursive descent over a selector:
/// or := and ("or" and)*, and := unary ("and" unary)*, unary := "not" unary | "(" or ")" | test,
/// test := name ("==" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;=") value | name ["not"] "in" "(" value ("," value)* ")" | "label."name.
/// </summary>
internal sealed class SelectorParser(string text)
{
    private const int MaximumLength = 4096;
    private const int MaximumDepth = 32;

    private static readonly HashSet<string> s_words = ["and", "or", "not", "in"];
    private static readonly (string Symbol, Func<int, bool> Wanted)[] s_orders =
        [("<=", sign => sign <= 0), (">=", sign => sign >= 0), ("<", sign => sign < 0), (">", sign => sign > 0)];

    private int _position;
    private int _depth;

    public Selector.Term ParseAll()
    {
        if (text.Length > MaximumLength)
        {
            throw new FormatException($"the selector has {text.Length} characters; at most {MaximumLength} are read");
        }
        Selector.Term term = ParseOr();
        SkipSpace();
        return _position == text.Length ? term : throw Unexpected("'and', 'or' or the end");
    }

    private Selector.Term ParseOr()
    {
        Selector.Term term = ParseAnd();
        while (TakeWord("or"))
        {
            term = new Selector.Or(term, ParseAnd());
        }
        return term;
    }

    private Selector.Term ParseAnd()
    {
        Selector.Term term = ParseUnary();
        while (TakeWord("and"))
        {
            term = new Selector.And(term, ParseUnary());
        }
        return term;
    }

    private Selector.Term ParseUnary()
    {
        if (++_depth > MaximumDepth)
        {
            throw new FormatException($"the selector is nested deeper than {MaximumDepth}");
        }
        try
        {
            if (TakeWord("not"))
            {
                return new Selector.Not(ParseUnary());
            }
            if (Take("("))
            {
                Selector.Term inner = ParseOr();
                Require(")");
                return inner;
            }
            return ParseTest();
        }
        finally
        {
            _depth--;
        }
    }

    private Selector.Term ParseTest()
    {
        string written = ParseBare("a label or fact name");
        SelectorName name = SelectorName.Of(written);
        // The longer first: "<" begins "<=" too.
        foreach ((string symbol, Func<int, bool> wanted) in s_orders)
        {
            if (Take(symbol))
            {
                return new Selector.Compares(name.Key, SelectorOperand.Ordered(written, name.Type, symbol, ParseValue()), wanted);
            }
        }
        if (Take("=="))
        {
            return OneOf(written, name, [ParseValue()]);
        }
        if (Take("!="))
        {
            return new Selector.Not(OneOf(written, name, [ParseValue()]));
        }
        bool negated = TakeWord("not");
        if (!TakeWord("in"))
        {
            // Only by its long name: a label that somebody forgot to compare is a mistake.
            return !negated && written.StartsWith(SelectorName.LabelPrefix, StringComparison.Ordinal)
                ? new Selector.Has(name.Key)
                : throw Unexpected($"==, !=, <, <=, >, >=, in or not in after '{written}'");
        }
        Require("(");
        List<string> values = [ParseValue()];
        while (Take(","))
        {
            values.Add(ParseValue());
        }
        Require(")");
        Selector.Term test = OneOf(written, name, values);
        return negated ? new Selector.Not(test) : test;
    }

    private static Selector.Term OneOf(string written, SelectorName name, IReadOnlyList<string> values) =>
        name.Type is SelectorType.Text or SelectorType.Label
            ? new Selector.OneOf(name.Key, values)
            : values.Select(Selector.Term (value) => new Selector.Compares(name.Key, SelectorOperand.Ordered(written, name.Type, "==", value), sign => sign == 0))
                .Aggregate((left, right) => new Selector.Or(left, right));

    private string ParseValue()
    {
        SkipSpace();
        if (_position < text.Length && text[_position] is '"' or '\'')
        {
            char quote = text[_position];
            int end = text.IndexOf(quote, _position + 1);
            if (end < 0)
            {
                throw new FormatException($"position {_position + 1}: the text that begins with {quote} has no end");
            }
            string value = text[(_position + 1)..end];
            _position = end + 1;
            return value;
        }
        return ParseBare("a value");
    }

    private string ParseBare(string what)
    {
        SkipSpace();
        int end = _position;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '-' or '.' or '/'))
        {
            end++;
        }
        string bare = text[_position..end];
        if (bare.Length == 0 || s_words.Contains(bare))
        {
            throw Unexpected(what);
        }
        _position = end;
        return bare;
    }

    private bool Take(string symbol)
    {
        SkipSpace();
        if (!text.AsSpan(_position).StartsWith(symbol, StringComparison.Ordinal))
        {
            return false;
        }
        _position += symbol.Length;
        return true;
    }

    private bool TakeWord(string word)
    {
        SkipSpace();
        int end = _position + word.Length;
        bool there = text.AsSpan(_position).StartsWith(word, StringComparison.Ordinal)
            && (end == text.Length || !(char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '-' or '.' or '/'));
        if (there)
        {
            _position = end;
        }
        return there;
    }

    private void Require(string symbol)
    {
        if (!Take(symbol))
        {
            throw Unexpected($"'{symbol}'");
        }
    }

    private void SkipSpace()
    {
        while (_position < text.Length && char.IsWhiteSpace(text[_position]))
        {
            _position++;
        }
    }

    private FormatException Unexpected(string expected)
    {
        SkipSpace();
        string found = _position == text.Length ? "the end" : $"'{MapReader.Printable(text[_position..Math.Min(text.Length, _position + 12)])}'";
        return new FormatException($"position {_position + 1}: expected {expected}, found {found}");
    }
}
