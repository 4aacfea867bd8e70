using System.Globalization;
using System.Text;
using System.Xml.Linq;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>A drawing with two axes, to which marks are added.</summary>
internal sealed class Plot
{
    public const double Top = 14, Bottom = 44, To = 880;
    private const double Width = 900;
    private readonly List<XElement> _marks = [];
    private readonly double _height;

    /// <param name="height">Of the whole drawing; it is 900 wide.</param>
    /// <param name="from">Where the axes meet; what stands before it names the upright one.</param>
    public Plot(double height, double from = 76) => (_height, From) = (height, from);

    public double From { get; }

    public double Floor => _height - Bottom;

    public static double Ceiling => Top;

    public void Add(XElement mark) => _marks.Add(mark);

    public void Line(double x1, double y1, double x2, double y2, string style) =>
        Add(Element("line", [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2), ("class", style)]));

    public void Rectangle(double x1, double y1, double x2, double y2, string style, string? title = null) => Add(Element(
        "rect",
        [("x", Math.Min(x1, x2)), ("y", Math.Min(y1, y2)), ("width", Round(Math.Abs(x2 - x1))), ("height", Round(Math.Abs(y2 - y1))), ("class", style)],
        title is null ? null : Element("title", title)));

    public void Label(double x, double y, string text, string anchor = "start", string style = "") =>
        Add(Element("text", [("x", x), ("y", y), ("text-anchor", anchor), ("class", style.Length > 0 ? style : null)], text));

    /// <summary>A line through points; null lifts the pen.</summary>
    public void Path(IEnumerable<(double X, double Y)?> points, string style)
    {
        StringBuilder data = new();
        bool down = false;
        foreach ((double X, double Y)? point in points)
        {
            if (point is { } p)
            {
                data.Append(CultureInfo.InvariantCulture, $"{(down ? 'L' : 'M')}{p.X} {p.Y}");
            }
            down = point is not null;
        }
        if (data.Length > 0)
        {
            Add(Element("path", [("d", data.ToString()), ("class", style)]));
        }
    }

    /// <summary>Numbers and a name along the bottom.</summary>
    public void XAxis(Scale x, Func<double, string> number, string name)
    {
        double last = double.NegativeInfinity;
        foreach (double tick in x.Ticks(8))
        {
            double at = x.At(tick);
            Line(at, Ceiling, at, Floor, "grid");
            if (at - last > 62)
            {
                Label(at, Floor + 17, number(tick), "middle");
                last = at;
            }
        }
        Label(To, Floor + 36, name, "end", "strong");
    }

    /// <summary>Numbers along the left, and a name above them.</summary>
    public void YAxis(IEnumerable<(double Value, string Text)> ticks, Scale y)
    {
        foreach ((double value, string text) in ticks)
        {
            double at = y.At(value);
            Line(From, at, To, at, "grid");
            Label(From - 8, at + 4, text, "end");
        }
    }

    /// <param name="title">What the drawing shows, for a reader who does not see it.</param>
    /// <param name="caption">What stands below it.</param>
    public XElement Figure(string title, params object?[] caption) => Element(
        "figure",
        Element(
            "svg",
            [("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {Width} {_height}")), ("role", "img"), ("aria-label", title)],
            [Element("title", title), .. _marks, Element("path", [("d", string.Create(CultureInfo.InvariantCulture, $"M{From} {Ceiling}V{Floor}H{To}")), ("class", "frame")])]),
        Element("figcaption", caption));

    public static double Round(double value) => Math.Round(value, 1);
}
