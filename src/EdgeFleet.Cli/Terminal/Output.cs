using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace EdgeFleet.Cli.Terminal;

/// <summary>
/// What a command says: tables and progress for a person at a terminal, plain lines in a pipe, one JSON document with
/// <c>-o json</c>. Results go to standard output, everything else to standard error.
/// </summary>
internal sealed class Output
{
    public static readonly Option<string> FormatOption = CreateFormatOption();
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private Output(bool json)
    {
        IsJson = json;
        IsInteractive = !json && !Console.IsOutputRedirected;
        Notes = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        Results = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
    }

    public bool IsJson { get; }
    public bool IsInteractive { get; }
    public IAnsiConsole Notes { get; }
    public IAnsiConsole Results { get; }

    public static Output Of(ParseResult parsed) => new(parsed.GetValue(FormatOption) == "json");

    /// <summary>A line that is part of the result.</summary>
    public void Line(string text)
    {
        if (!IsJson)
        {
            Console.Out.WriteLine(text);
        }
    }

    /// <summary>A line about what is going on.</summary>
    public void Note(string text)
    {
        if (!IsJson)
        {
            Console.Error.WriteLine(text);
        }
    }

    /// <summary>What did not go well, for a person and in a log, whatever the format.</summary>
    public static void Problem(string text) => Console.Error.WriteLine($"error: {text}");

    public void Json(JsonNode? document)
    {
        if (IsJson)
        {
            Console.Out.WriteLine(document?.ToJsonString(s_indented) ?? "null");
        }
    }

    /// <summary>A failed command's document: a program that asked for JSON gets one in any case.</summary>
    public static void JsonError(ParseResult parsed, string message)
    {
        // The token, not the value: the command line may be what is wrong.
        if (parsed.GetResult(FormatOption)?.Tokens is [.., { Value: "json" }])
        {
            Console.Out.WriteLine(new JsonObject { ["error"] = message }.ToJsonString(s_indented));
        }
    }

    /// <summary>A table for a person. Cells are plain text: they may come from a device and are never read as markup.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (IsJson)
        {
            return;
        }
        if (!IsInteractive)
        {
            WritePlain(columns, rows);
            return;
        }
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)) { NoWrap = true });
        }
        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow(row.Select(cell => new Text(Printable(cell))));
        }
        Results.Write(table);
    }

    /// <summary>A row is one line, however wide, and each of its cells has at least a dash: grep and awk read it.</summary>
    private static void WritePlain(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<string[]> lines = [[.. columns], .. rows.Select(row => row.Select(cell => cell.Length == 0 ? "-" : Printable(cell).Replace('\n', ' ')).ToArray())];
        int[] widths = [.. Enumerable.Range(0, columns.Count).Select(column => lines.Max(line => line[column].Length))];
        foreach (string[] line in lines)
        {
            Console.Out.WriteLine(string.Join("  ", line.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    /// <summary>Takes control characters out of text that a device or a stranger wrote.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '?' : c));

    private static Option<string> CreateFormatOption()
    {
        Option<string> option = new("--output", "-o")
        {
            Description = "text: tables and progress for people; json: one document for programs.",
            DefaultValueFactory = _ => "text",
            Recursive = true,
        };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }
}
