using System.Collections.Concurrent;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Gating;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>Runs a loop for each rollout that is not over: those of the store at the start, and each new one.</summary>
internal sealed class RolloutHost(
    Database database, RolloutWriter writer, DeviceStreams streams, SignalBoard signals, FatalErrors fatal, TimeProvider time, ILoggerFactory logs)
    : IRolloutRunner, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Running> _running = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private bool _disposed;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (RolloutRow row in await database.ReadAsync(RolloutStore.ListRunning, cancellationToken))
        {
            Run(row.Id, row.Model);
        }
    }

    /// <summary>Begins to drive a rollout that is in the store.</summary>
    public void Run(string rolloutId, string model)
    {
        RolloutLoop loop = new(rolloutId, model, database, writer, NewReader(), signals, time, logs.CreateLogger<RolloutLoop>());
        Task task = RunAsync(loop, rolloutId);
        _ = fatal.Watch($"rollout {rolloutId}", task);
        _running[rolloutId] = new Running(loop, task);
        if (task.IsCompleted)
        {
            _running.TryRemove(rolloutId, out _);
        }
    }

    public RolloutWorldReader NewReader() => new(streams, _startedAt);

    /// <summary>The newest verdicts of a rollout that runs here; empty for one that is over.</summary>
    public IReadOnlyList<GateVerdict> CurrentOf(string rolloutId) => _running.TryGetValue(rolloutId, out Running? running) ? running.Loop.Current : [];

    /// <summary>May be called twice: by the host, which stops its parts in order, and by the container that made it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }
        await _stopping.CancelAsync();
        foreach (Running running in _running.Values)
        {
            await running.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        _stopping.Dispose();
    }

    private async Task RunAsync(RolloutLoop loop, string rolloutId)
    {
        // Off the caller's thread at once: it may be a request that waits for its answer.
        await Task.Yield();
        try
        {
            await loop.RunAsync(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        _running.TryRemove(rolloutId, out _);
    }

    private sealed record Running(RolloutLoop Loop, Task Task);
}
