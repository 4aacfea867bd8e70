using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary><c>edgefleet simulate</c> in a process of its own.</summary>
internal sealed class HollowFleetProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _words;
    private bool _ended;

    private HollowFleetProcess(Process process)
    {
        _process = process;
        // Read to the end, so that the pipe never fills.
        _words = process.StandardError.ReadToEndAsync(CancellationToken.None);
    }

    /// <exception cref="InvalidOperationException">It ended by itself; the message has its last words.</exception>
    public async Task RequireRunningAsync()
    {
        if (_process.HasExited)
        {
            string words = await _words;
            throw new InvalidOperationException($"edgefleet simulate ended with code {_process.ExitCode}: {words[Math.Max(0, words.Length - 4000)..]}");
        }
    }

    /// <summary>Returns when all of them are connected.</summary>
    public static async Task<HollowFleetProcess> StartAsync(ControllerProcess controller, string folder, int devices, CancellationToken cancellationToken)
    {
        string bundle = Path.Join(folder, "bundle.json");
        JsonNode token = await controller.PostAsync(
            "enrollment-tokens", new JsonObject { ["count"] = devices, ["autoApprove"] = true, ["ttlSeconds"] = 3600 }, cancellationToken);
        await File.WriteAllTextAsync(bundle, token["bundle"]!.ToJsonString(), cancellationToken);
        Process process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                Path.Join(AppContext.BaseDirectory, "edgefleet.dll"), "simulate", "--devices", devices.ToString(CultureInfo.InvariantCulture),
                "--bundle", bundle, "--root", Path.Join(folder, "fleet"),
            ]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string all = $"{devices} of {devices} enrolled, {devices} connected";
        while (await process.StandardError.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith(all, StringComparison.Ordinal))
            {
                return new HollowFleetProcess(process);
            }
        }
        throw new InvalidOperationException($"edgefleet simulate ended with code {process.ExitCode}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_ended)
        {
            _ended = true;
            ProcessSignals.TrySend(_process.Id, ProcessSignal.Terminate);
            await _process.WaitForExitAsync(CancellationToken.None);
            _process.Dispose();
        }
    }
}
