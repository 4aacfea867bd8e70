using System.Diagnostics;

namespace EdgeFleet.Cli.Tests.Models;

/// <summary>Runs the real <c>edgefleet</c> as a process of its own, as a script would.</summary>
internal sealed record EdgefleetProcess(int ExitCode, string Output, string Errors)
{
    public static EdgefleetProcess Run(params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(Path.Join(AppContext.BaseDirectory, "edgefleet"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new EdgefleetProcess(process.ExitCode, output, errors.GetAwaiter().GetResult());
    }
}
