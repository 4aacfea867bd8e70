using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.State;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Enrollment;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Cli.Simulation;

/// <summary>
/// Many hollow agents in one process: the agent's own sync, state table and outbox over the real protocols with certificates
/// of their own; only the hardware and the inference are modelled. Nothing of a hollow device outlives the process, so
/// its files are not flushed.
/// </summary>
internal sealed class HollowFleet(EnrollmentBundle bundle, string root, HollowBehaviour behaviour, int hardwareClasses, ILoggerFactory loggers) : IAsyncDisposable
{
    private const int EnrolAtOnce = 32;
    private readonly List<DeviceAgent> _agents = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Task> _running = [];
    private int _enrolled;

    public int Enrolled => _enrolled;

    public int Connected
    {
        get { lock (_gate) { return _agents.Count(agent => agent.IsConnected); } }
    }

    /// <summary>The first agent that ended, which none should; null while all run.</summary>
    public Task? Ended
    {
        get { lock (_gate) { return _running.Find(agent => agent.IsCompleted); } }
    }

    public async Task StartAsync(int count, string prefix, CancellationToken cancellationToken)
    {
        await Parallel.ForEachAsync(
            Enumerable.Range(1, count), new ParallelOptions { MaxDegreeOfParallelism = EnrolAtOnce, CancellationToken = cancellationToken },
            async (number, token) => await StartOneAsync($"{prefix}-{number}", number, token));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        foreach (DeviceAgent agent in _agents)
        {
            agent.Dispose();
        }
        _stop.Dispose();
    }

    private async Task StartOneAsync(string id, int number, CancellationToken cancellationToken)
    {
        StateFolder state = new(Path.Combine(root, id), new UnflushedFileStore(LinuxFileStore.Instance));
        HollowFacts facts = new(1 + (number % hardwareClasses));
        try
        {
            await new Enroller(state, TimeProvider.System).EnrollAsync(bundle, id, facts.Read(), new Dictionary<string, string> { ["simulated"] = "true" }, null, cancellationToken);
        }
        catch (Exception ex) when (ex is EnrollmentRefusedException or RpcException)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, $"device '{id}': {(ex as RpcException)?.Status.Detail ?? ex.Message}", ex);
        }
        Interlocked.Increment(ref _enrolled);
        DeviceAgent agent = DeviceAgent.Create(state, new AgentOptions(), new AgentSeams
        {
            Runner = new HollowRunner(behaviour, model => ReadActiveSlot(state, model), TimeProvider.System),
            Trials = new HollowTrials(behaviour, number, TimeProvider.System),
            Facts = facts,
            Loggers = loggers,
        });
        lock (_gate)
        {
            _agents.Add(agent);
            _running.Add(agent.RunAsync(_stop.Token));
        }
    }

    private static Digest? ReadActiveSlot(StateFolder state, string model)
    {
        try
        {
            return state.Files.Read(state.Slots(model)) is { } bytes && Digest.TryParse(JsonNode.Parse(bytes)?["active"]?.GetValue<string>(), out Digest digest) ? digest : null;
        }
        catch (JsonException)
        {
            // A slot file that cannot be read names nothing; the agent puts it right.
            return null;
        }
    }
}
