using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Benchmarks.ControlPlane;

namespace EdgeFleet.Benchmarks.Devices;

/// <summary>A real agent's supervisor as a process, in a state folder that goes with it.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly string s_agent = Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll");
    private readonly Process _process;

    private AgentProcess(Process process, TimeSpan startToConnected)
    {
        _process = process;
        StartToConnected = startToConnected;
    }

    /// <summary>From the start of the process to its own word that the stream to the controller is open.</summary>
    public TimeSpan StartToConnected { get; }

    public double ResidentMiB => Status("VmRSS:") / 1024.0;

    /// <summary>The part of the resident memory that is this process's alone: mapped files, which other agents share, left out.</summary>
    public double AnonymousMiB => Status("RssAnon:") / 1024.0;

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Makes <paramref name="state"/> the folder of an enrolled device.</summary>
    public static async Task EnrollAsync(ControllerProcess controller, string state, string deviceId, CancellationToken cancellationToken)
    {
        string bundle = state + ".json";
        JsonNode answer = await controller.PostAsync(
            "enrollment-tokens", new JsonObject { ["count"] = 1, ["autoApprove"] = true, ["ttlSeconds"] = 600 }, cancellationToken);
        await File.WriteAllTextAsync(bundle, answer["bundle"]!.ToJsonString(), cancellationToken);
        using Process enroll = Process.Start(new ProcessStartInfo(
            "dotnet", [s_agent, "enroll", "--bundle", bundle, "--state", state, "--device-id", deviceId]) { RedirectStandardOutput = true })!;
        await enroll.WaitForExitAsync(cancellationToken);
        File.Delete(bundle);
        if (enroll.ExitCode != 0)
        {
            throw new InvalidOperationException($"the agent could not be enrolled (exit code {enroll.ExitCode}); its words are above");
        }
    }

    public static async Task<AgentProcess> StartAsync(string state, CancellationToken cancellationToken)
    {
        TaskCompletionSource<TimeSpan> connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ProcessStartInfo start = new("dotnet", [s_agent, "run", "--state", state]) { RedirectStandardError = true };
        foreach ((string name, string value) in UnitEnvironment())
        {
            start.Environment[name] = value;
        }
        long began = Stopwatch.GetTimestamp();
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                connected.TrySetException(new InvalidOperationException("the agent ended before it was connected"));
            }
            else if (line.Data.Contains("Connected to ", StringComparison.Ordinal))
            {
                connected.TrySetResult(Stopwatch.GetElapsedTime(began));
            }
        };
        process.BeginErrorReadLine();
        return new AgentProcess(process, await connected.Task.WaitAsync(s_patience, cancellationToken));
    }

    /// <summary>What a device's systemd unit sets, so that what is measured is what is installed.</summary>
    private static IEnumerable<(string Name, string Value)> UnitEnvironment()
    {
        const string Directive = "Environment=";
        return File.ReadLines(Path.Join(Checkout.Root, "device-images", "common", "edgefleet-run.service"))
            .Where(line => line.StartsWith(Directive, StringComparison.Ordinal))
            .SelectMany(line => line[Directive.Length..].Split(' '))
            .Select(setting => (setting[..setting.IndexOf('=')], setting[(setting.IndexOf('=') + 1)..]));
    }

    public async ValueTask DisposeAsync()
    {
        using (Process stop = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await stop.WaitForExitAsync();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private double Status(string field) => double.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(field, StringComparison.Ordinal)).Split(' ', '\t', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
