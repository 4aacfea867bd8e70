using System.Text;

namespace EdgeFleet.Cli.Terminal;

/// <summary>
/// The terminal's second screen while something is watched: drawn over in place, and gone afterwards with what stood before
/// back in view.
/// </summary>
internal sealed class LiveScreen : IDisposable
{
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l";
    private const int LeastWidth = 20;

    private readonly TextWriter _terminal = Console.Out;

    private LiveScreen() => _terminal.Write(Enter);

    /// <summary>Null where nobody sees it: a pipe, a program, a terminal that only prints.</summary>
    public static LiveScreen? TryOpen(Output output) =>
        output.IsInteractive && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb" ? new LiveScreen() : null;

    /// <summary>Columns and lines. A terminal that does not say gets the usual ones.</summary>
    public static (int Width, int Height) Size => Console.WindowWidth >= LeastWidth && Console.WindowHeight > 1 ? (Console.WindowWidth, Console.WindowHeight) : (80, 24);

    /// <summary>In one write, so that the eye sees one picture; each line is cut where the terminal would break it.</summary>
    public void Draw(IReadOnlyList<string> lines)
    {
        (int width, int height) = Size;
        StringBuilder picture = new("\e[H");
        for (int i = 0; i < Math.Min(lines.Count, height); i++)
        {
            string line = Output.Printable(lines[i]);
            picture.Append(i > 0 ? "\r\n" : "").Append(line.Length > width ? string.Concat(line.AsSpan(0, width - 1), "…") : line).Append("\e[K");
        }
        _terminal.Write(picture.Append("\e[J").ToString());
    }

    public void Dispose() => _terminal.Write(Leave);
}
