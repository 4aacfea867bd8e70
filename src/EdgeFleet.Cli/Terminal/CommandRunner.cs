using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeFleet.Inference;

namespace EdgeFleet.Cli.Terminal;

/// <summary>Runs a command line and turns its ends into exit codes: 0 done, 1 the verdict is no, 2 wrong usage, 3 the world failed.</summary>
internal static class CommandRunner
{
    private const int HangUp = 1;
    private const string Ignored = "SigIgn:";

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
            Output.JsonError(parsed, string.Join('\n', parsed.Errors.Select(error => error.Message)));
            return ExitCode.WrongUsage;
        }
        try
        {
            // A connection that is lost ends the command as Ctrl-C does: what was changed on the device is put back.
            using CancellationTokenSource gone = new();
            using PosixSignalRegistration? hangUp = IsIgnored(HangUp) ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                gone.Cancel();
            });
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }, gone.Token);
        }
        catch (CommandFailedException ex)
        {
            return Fail(parsed, ex.ExitCode, ex.Message);
        }
        catch (FormatException ex)
        {
            // What a user or a stranger wrote could not be read; the message names the thing and the value.
            return Fail(parsed, ExitCode.WrongUsage, ex.Message);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or HttpRequestException or TimeoutException or InferenceException)
        {
            return Fail(parsed, ExitCode.WorldFailed, ex.Message);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("cancelled");
            Output.JsonError(parsed, "cancelled");
            return ExitCode.WorldFailed;
        }
    }

    /// <summary>Whoever started this with nohup wants it to go on.</summary>
    private static bool IsIgnored(int signal) =>
        File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) is { } line
        && ulong.TryParse(line[Ignored.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask)
        && (mask & (1UL << (signal - 1))) != 0;

    private static int Fail(ParseResult parsed, int exitCode, string message)
    {
        message = Output.Printable(message);
        Console.Error.WriteLine($"error: {message}");
        Output.JsonError(parsed, message);
        return exitCode;
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
