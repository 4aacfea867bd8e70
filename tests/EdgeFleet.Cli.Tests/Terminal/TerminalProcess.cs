using System.Diagnostics;
using System.Text;

namespace EdgeFleet.Cli.Tests.Terminal;

/// <summary>Runs the real <c>edgefleet</c> on a pseudo-terminal (script of util-linux), as a person sees it.</summary>
internal sealed class TerminalProcess : IDisposable
{
    private const string ControlC = "\u0003";
    private readonly Process _process;
    private readonly StringBuilder _seen = new();

    private TerminalProcess(Process process) => _process = process;

    public string Seen => _seen.ToString();

    public static TerminalProcess Start(params IEnumerable<string> arguments)
    {
        // Wide enough for whole sentences on one line each.
        string command = "stty cols 400 rows 50; exec " + string.Join(' ', arguments.Prepend(Path.Join(AppContext.BaseDirectory, "edgefleet")).Select(word => $"'{word}'"));
        ProcessStartInfo start = new("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TERM"] = "xterm";
        return new TerminalProcess(Process.Start(start)!);
    }

    /// <summary>Reads until the terminal has shown that.</summary>
    public async Task ShowsAsync(string words, CancellationToken cancellationToken)
    {
        char[] buffer = new char[4096];
        while (!Seen.Contains(words, StringComparison.Ordinal))
        {
            int read = 0;
            try
            {
                read = await _process.StandardOutput.ReadAsync(buffer, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // Told below, with what it did show.
            }
            Assert.True(read > 0, $"the terminal never showed '{words}' but: {Seen}");
            _seen.Append(buffer, 0, read);
        }
    }

    /// <returns>The exit code of the command.</returns>
    public async Task<int> LeaveAsync(CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteAsync(ControlC.AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
        _seen.Append(await _process.StandardOutput.ReadToEndAsync(cancellationToken));
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }
}
