using System.Diagnostics;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>A server in a process of its own, on one processor where that is asked; it says a line when it listens.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, TimeSpan start) => (_process, Start) = (process, start);

    /// <summary>From the start of the process to its line.</summary>
    public TimeSpan Start { get; }

    public double ResidentMegabytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{_process.Id}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
            return double.Parse(line["VmRSS:".Length..^"kB".Length], System.Globalization.CultureInfo.InvariantCulture) * 1024 / 1e6;
        }
    }

    /// <summary>The runner on a state folder, REST and gRPC on sockets beside it.</summary>
    public static Task<ServerProcess> RunnerAsync(string state, string socket, string grpcSocket, int? cpu, CancellationToken cancellationToken) => StartAsync(
        cpu, ["dotnet", Agent, "serve", "--state", state, "--listen", $"unix:{socket}", "--grpc-listen", $"unix:{grpcSocket}"], cancellationToken);

    public static async Task<ServerProcess> StartAsync(int? cpu, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> whole = cpu is { } processor ? ["taskset", "-c", processor.ToString(System.Globalization.CultureInfo.InvariantCulture), .. command] : command;
        long begun = Stopwatch.GetTimestamp();
        Process process = Process.Start(new ProcessStartInfo(whole[0], whole.Skip(1)) { RedirectStandardOutput = true })!;
        if (await process.StandardOutput.ReadLineAsync(cancellationToken) is null)
        {
            await process.WaitForExitAsync(cancellationToken);
            using (process)
            {
                throw new InvalidOperationException($"'{string.Join(' ', command)}' ended with code {process.ExitCode}");
            }
        }
        return new ServerProcess(process, Stopwatch.GetElapsedTime(begun));
    }

    public static string Agent => Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll");

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
