using Spectre.Console;

namespace EdgeFleet.Demo.Reporting;

/// <summary>What the demo says while it runs. Everything from a process is printed as plain text.</summary>
internal sealed class Report
{
    private readonly IAnsiConsole _console = AnsiConsole.Console;

    public Report()
    {
        if (Console.IsOutputRedirected)
        {
            _console.Profile.Width = 160;
        }
    }

    public void Title(string text) => _console.Write(new Rule(Markup.Escape(text)) { Justification = Justify.Left, Style = Style.Parse("bold") });

    public void Say(string text) => _console.WriteLine(text);

    public void Command(string line) => _console.Write(new Text(line + "\n", Style.Parse("cyan")));

    public void Progress(string text) => _console.Write(new Text(text + "\n", Style.Parse("grey")));

    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)) { NoWrap = true });
        }
        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }
        _console.Write(table);
    }

    public void Outcome(Part part)
    {
        _console.Write(new Text($"{(part.Ok ? "as expected" : "NOT as expected")}: {part.Seen}\n", Style.Parse(part.Ok ? "green" : "red")));
        foreach (string miss in part.Misses)
        {
            _console.Write(new Text($"  missed: {miss}\n", Style.Parse("red")));
        }
    }
}
