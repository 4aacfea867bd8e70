using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace EdgeFleet.Measurement.Reports;

/// <summary>
/// Elements of a page. It is built as a tree and written by the framework, so that every text is encoded and every element
/// closed, whatever a stranger called his model.
/// </summary>
internal static class Markup
{
    // An HTML reader takes "<td/>" for a beginning; these it knows to have no end.
    private static readonly HashSet<string> s_void = ["meta", "br", "hr"];

    /// <param name="attributes">Names and values by turns; a value of null leaves the attribute out.</param>
    public static XElement Element(string name, (string Name, object? Value)[] attributes, params object?[] content)
    {
        XElement element = new(name, content.Select(Content));
        foreach ((string attribute, object? value) in attributes)
        {
            if (value is not null)
            {
                element.SetAttributeValue(attribute, Text(value));
            }
        }
        return element;
    }

    public static XElement Element(string name, params object?[] content) => Element(name, [], content);

    /// <summary>A figure that is not there, and why.</summary>
    public static XElement Absent(string? reason) => Element("span", [("class", "absent")], $"absent: {reason ?? "no reason was given"}");

    public static XElement Paragraph(params object?[] content) => Element("p", content);

    public static XElement Note(params object?[] content) => Element("p", [("class", "note")], content);

    /// <summary>A table whose first column names the row; the others are figures. Cells are text or elements.</summary>
    public static XElement Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows) => Element("div", [("class", "wide")], Element(
        "table",
        Element("thead", Element("tr", [.. columns.Select(column => Element("th", [("scope", "col")], column))])),
        Element("tbody", [.. rows.Select(row => Element("tr", [.. row.Select((cell, i) => i == 0 ? Element("th", [("scope", "row")], cell) : Element("td", cell))]))])));

    /// <summary>A table whose cells are words.</summary>
    public static XElement Sentences(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        XElement table = Table(columns, rows);
        table.SetAttributeValue("class", "wide facts");
        return table;
    }

    public static XElement Section(string title, params object?[] content) => Element("section", [Element("h2", title), .. content]);

    /// <summary>Writes a whole document that readers of HTML and of XML both take.</summary>
    public static string Document(XElement root)
    {
        foreach (XElement empty in root.DescendantsAndSelf().Where(element => element.IsEmpty && !s_void.Contains(element.Name.LocalName)))
        {
            empty.Value = "";
        }
        StringBuilder text = new("<!DOCTYPE html>\n");
        using (XmlWriter writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, ConformanceLevel = ConformanceLevel.Fragment }))
        {
            root.WriteTo(writer);
        }
        return text.Append('\n').ToString();
    }

    private static object? Content(object? content) => content switch
    {
        null or XObject => content,
        IEnumerable<XElement> several => several,
        _ => Text(content),
    };

    /// <summary>
    /// Text without what XML cannot carry, and without the characters that make a line read in another order than it is
    /// written: a file name may hold either.
    /// </summary>
    public static string Text(object value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        StringBuilder clean = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i) && i + 1 < text.Length)
            {
                clean.Append(text, i++, 2);
                continue;
            }
            char c = text[i];
            clean.Append(c is '\n' or '\t' || (XmlConvert.IsXmlChar(c) && !char.IsControl(c) && !ChangesDirection(c)) ? c : '\uFFFD');
        }
        return clean.ToString();
    }

    private static bool ChangesDirection(char c) => c is '\u061C' or '\u200E' or '\u200F' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
