using Spectre.Console;

namespace EdgeFleet.Demo.Reporting;

/// <summary>What the demo says while it runs. Everything from a process is printed as plain text.</summary>
internal sealed class Report
{
    private readonly bool _colours = !Console.IsOutputRedirected;
    private readonly IAnsiConsole _tables;

    public Report()
    {
        _tables = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = _colours ? AnsiSupport.Detect : AnsiSupport.No });
        if (!_colours)
        {
            _tables.Profile.Width = 200;
        }
    }

    public void Title(string text) => Write($"\n== {text}", "1");

    public void Say(string text) => Write(text, null);

    public void Command(string line) => Write(line, "36");

    public void Progress(string text) => Write(text, "90");

    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows, bool wrap = false)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)) { NoWrap = !wrap });
        }
        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }
        _tables.Write(table);
    }

    public void Outcome(Part part)
    {
        Write($"{(part.Ok ? "as expected" : "NOT as expected")}: {part.Seen}", part.Ok ? "32" : "31");
        foreach (string miss in part.Misses)
        {
            Write($"  missed: {miss}", "31");
        }
    }

    private void Write(string text, string? colour) => Console.WriteLine(_colours && colour is not null ? $"\e[{colour}m{text}\e[0m" : text);
}
