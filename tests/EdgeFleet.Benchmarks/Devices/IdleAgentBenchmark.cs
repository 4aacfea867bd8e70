using EdgeFleet.Benchmarks.ControlPlane;

namespace EdgeFleet.Benchmarks.Devices;

/// <summary>What an agent costs a device on which nothing happens: memory, processor, and the time from its start to the open stream.</summary>
internal static class IdleAgentBenchmark
{
    private const int Starts = 5;
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(120);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        string state = Path.Join(folder, "device");
        try
        {
            await using ControllerProcess controller = await ControllerProcess.StartAsync(cancellationToken);
            await AgentProcess.EnrollAsync(controller, state, "idle", cancellationToken);
            List<double> starts = [];
            for (int i = 0; i < Starts; i++)
            {
                await using AgentProcess started = await AgentProcess.StartAsync(state, cancellationToken);
                starts.Add(started.StartToConnected.TotalMilliseconds);
            }
            starts.Sort();

            await using AgentProcess agent = await AgentProcess.StartAsync(state, cancellationToken);
            await Task.Delay(s_settle, cancellationToken);
            TimeSpan before = agent.ProcessorTime;
            await Task.Delay(s_window, cancellationToken);
            double percent = (agent.ProcessorTime - before) / s_window * 100;
            double resident = agent.ResidentMiB;
            string how = $"no model, the environment of its systemd unit, beats each 30 s; {s_window.TotalSeconds:0} s after {s_settle.TotalSeconds:0} s of settling";
            return
            [
                new("agent run idle: resident memory", resident, "MiB", "<= 70", resident <= 70, $"VmRSS, {how}"),
                new("agent run idle: of it not shared with other .NET processes", agent.AnonymousMiB, "MiB", null, true, $"RssAnon, {how}"),
                new("agent run: process start to connected, median", starts[Starts / 2], "ms", "<= 1000", starts[Starts / 2] <= 1000, $"of {Starts} starts, the worst {starts[^1]:0} ms"),
                new("agent run idle: one core", percent, "%", "<= 0.5", percent <= 0.5, how),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
