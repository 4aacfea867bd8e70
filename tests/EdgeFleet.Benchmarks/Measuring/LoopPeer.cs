using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>A process that runs timed inferences when it is asked to and is blocked otherwise.</summary>
internal sealed class LoopPeer : IAsyncDisposable
{
    private readonly Process _process;

    private LoopPeer(Process process, string answer) => (_process, Answer) = (process, answer);

    /// <summary>A hash of the model's outputs for the seeded inputs.</summary>
    public string Answer { get; }

    public static async Task<LoopPeer> StartAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            return new LoopPeer(process, (string)(await ReadAsync(process, cancellationToken))["answer"]!);
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    public async Task<JsonNode> RunAsync(int inferences, CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteLineAsync(inferences.ToString(CultureInfo.InvariantCulture));
        await _process.StandardInput.FlushAsync(cancellationToken);
        return await ReadAsync(_process, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<JsonNode> ReadAsync(Process process, CancellationToken cancellationToken) =>
        await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line
            ? JsonNode.Parse(line)!
            : throw new InvalidOperationException($"'{process.StartInfo.FileName}' ended; standard error says why");
}
