using System.CommandLine;
using System.CommandLine.Parsing;

namespace EdgeFleet.Cli.Terminal;

/// <summary>Runs a command line and turns its ends into exit codes: 0 done, 1 the verdict is no, 2 wrong usage, 3 the world failed.</summary>
internal static class CommandRunner
{
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"error: {error.Message}");
            }
            await Console.Error.WriteLineAsync($"'{CommandPath(parsed.CommandResult)} --help' shows how it is used.");
            return ExitCode.WrongUsage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (CommandFailedException ex)
        {
            await Console.Error.WriteLineAsync($"error: {Output.Printable(ex.Message)}");
            return ex.ExitCode;
        }
        catch (FormatException ex)
        {
            // What a user or a stranger wrote could not be read; the message names the thing and the value.
            await Console.Error.WriteLineAsync($"error: {Output.Printable(ex.Message)}");
            return ExitCode.WrongUsage;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or HttpRequestException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"error: {Output.Printable(ex.Message)}");
            return ExitCode.WorldFailed;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("cancelled");
            return ExitCode.WorldFailed;
        }
    }

    private static string CommandPath(CommandResult result)
    {
        Stack<string> names = new();
        for (SymbolResult? current = result; current is CommandResult command; current = current.Parent)
        {
            names.Push(command.Command.Name);
        }
        return string.Join(' ', names);
    }
}
