using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;

namespace EdgeFleet.Demo.Processes;

/// <summary>Runs <c>edgefleet</c> and <c>edgefleet-agent</c> as a person would and prints the line it ran.</summary>
internal sealed class CommandLine(Layout layout, Action<string> print)
{
    /// <summary>One command with <c>-o json</c>.</summary>
    public async Task<CommandResult> RunAsync(string[] arguments, CancellationToken cancellationToken, bool quiet = false)
    {
        if (!quiet)
        {
            print($"$ edgefleet {string.Join(' ', arguments.Select(Quote))}");
        }
        return await ExecuteAsync([layout.Executable("Cli", "edgefleet"), .. arguments, "-o", "json"], cancellationToken);
    }

    public async Task<CommandResult> AgentAsync(string[] arguments, CancellationToken cancellationToken) =>
        await ExecuteAsync([layout.Executable("Agent", "edgefleet-agent"), .. arguments], cancellationToken);

    private async Task<CommandResult> ExecuteAsync(string[] arguments, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("dotnet", arguments)
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = layout.Repository,
        };
        start.Environment["EDGEFLEET_DATA"] = layout.ControllerData;
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("the command did not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
        return new CommandResult(process.ExitCode, await output, (await errors).Trim());
    }

    /// <summary>Paths are shown as seen from the repository, so that a line can be copied.</summary>
    private string Quote(string argument)
    {
        string shown = argument.Replace(layout.Repository + "/", "", StringComparison.Ordinal);
        return shown.Contains(' ', StringComparison.Ordinal) || shown.Length == 0 ? $"'{shown}'" : shown;
    }
}

internal sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    /// <exception cref="DemoFailedException">The command did not end with 0 or did not print JSON.</exception>
    public JsonNode Json(string what)
    {
        if (ExitCode != 0)
        {
            throw new DemoFailedException($"{what}: exit code {ExitCode}: {Errors}");
        }
        return JsonNode.Parse(Output) ?? throw new DemoFailedException($"{what}: no JSON: {Output}");
    }
}
