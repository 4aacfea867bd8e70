using System.Text.Json.Nodes;
using EdgeFleet.Demo.Processes;

namespace EdgeFleet.Demo.Fleet;

/// <summary>One device of the demo: a folder, the agent, its runner, and an application that asks the runner all the time.</summary>
internal sealed class LocalDevice(string id, int threads, Layout layout) : IAsyncDisposable
{
    public string Id => id;
    public int Threads => threads;
    public string State => Path.Combine(layout.Device(id), "state");
    public string Counters => Path.Combine(layout.Device(id), "application.jsonl");
    public string DeploymentRecord => Path.Combine(State, "deployments", "fashion.json");

    /// <summary>A short name: the path of a Unix socket has at most 107 characters.</summary>
    public string Socket => Path.Combine(Path.GetTempPath(), $"edgefleet-demo-{Environment.ProcessId}-{id}.sock");

    public ManagedProcess? Run { get; private set; }
    public ManagedProcess? Serve { get; private set; }
    public ManagedProcess? Application { get; private set; }

    public IEnumerable<ManagedProcess> Processes => new[] { Run, Serve, Application }.OfType<ManagedProcess>();

    public void StartServe()
    {
        // The runner is there before the device is enrolled, as on an image; it makes no state folder itself.
        Directory.CreateDirectory(State);
        Serve = new ManagedProcess($"{id} serve", "dotnet",
            [layout.Executable("Agent", "edgefleet-agent"), "serve", "--state", State, "--listen", $"unix:{Socket}", "--threads", $"{threads}"],
            Path.Combine(layout.Logs, $"{id}-serve.log"));
        Serve.Start();
    }

    public void StartRun(string lease)
    {
        Run = new ManagedProcess($"{id} run", "dotnet",
            [layout.Executable("Agent", "edgefleet-agent"), "run", "--state", State, "--threads", $"{threads}", "--bench-lease", lease],
            Path.Combine(layout.Logs, $"{id}-run.log"));
        Run.Start();
    }

    /// <summary>Ends the agent for good, as when a device loses its link; the runner goes on.</summary>
    public async Task StopRunAsync()
    {
        if (Run is { } run)
        {
            await run.DisposeAsync();
            Run = null;
        }
    }

    public void StartApplication(double requestsPerSecond)
    {
        Application = new ManagedProcess($"{id} application", "node",
            [Path.Combine(layout.Example, "app.mjs"), "--socket", Socket, "--model", "fashion", "--rate", $"{requestsPerSecond}", "--counters", Counters],
            Path.Combine(layout.Logs, $"{id}-application.log"));
        Application.Start();
    }

    /// <summary>The application's own last count; null before its first second.</summary>
    public JsonNode? LastCount()
    {
        if (!File.Exists(Counters))
        {
            return null;
        }
        // The last line may be half written; the one before it is whole.
        foreach (string line in File.ReadLines(Counters).Reverse().Take(2))
        {
            try
            {
                return JsonNode.Parse(line);
            }
            catch (System.Text.Json.JsonException)
            {
                continue;
            }
        }
        return null;
    }

    /// <summary>Waits until the device's own deployment record shows one of the phases, looking at every change of the file.</summary>
    public async Task<string> WaitForPhaseAsync(string digest, Func<string, bool> wanted, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (ReadPhase(digest) is { } phase && wanted(phase))
            {
                return phase;
            }
            await Task.Delay(1, cancellationToken);
        }
    }

    public string? ReadPhase(string digest)
    {
        try
        {
            JsonNode? record = JsonNode.Parse(File.ReadAllText(DeploymentRecord));
            return record?["digest"]?.ToString() == digest ? record["phase"]?.ToString() : null;
        }
        catch (Exception ex) when (ex is IOException or System.Text.Json.JsonException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The application first: what it counts after its runner is gone would be our own doing.
        foreach (ManagedProcess? process in new[] { Application, Run, Serve })
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }
        File.Delete(Socket);
    }
}
