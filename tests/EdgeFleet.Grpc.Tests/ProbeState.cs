using Grpc.Core;

namespace EdgeFleet.Grpc.Tests;

/// <summary>What the calls of one probe server have in common.</summary>
internal sealed class ProbeState
{
    private readonly Lock _gate = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiting = [];
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _deaf = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _cancellations;

    public ServerCallContext? LastContext { get; set; }

    /// <summary>Of the same call; the context does not tell any more once the call is over.</summary>
    public string? LastPeer { get; set; }

    /// <summary>Completes when the first deaf call waits.</summary>
    public Task Deaf => _deaf.Task;

    /// <summary>Completes when deaf calls may end.</summary>
    public Task Released => _released.Task;

    public void BeDeaf() => _deaf.TrySetResult();

    public void Release() => _released.TrySetResult();

    public void CancellationSeen()
    {
        lock (_gate)
        {
            _cancellations++;
            foreach ((int count, TaskCompletionSource reached) in _waiting)
            {
                if (_cancellations >= count)
                {
                    reached.TrySetResult();
                }
            }
        }
    }

    public Task CancellationsAsync(int count)
    {
        lock (_gate)
        {
            if (_cancellations >= count)
            {
                return Task.CompletedTask;
            }

            TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((count, reached));
            return reached.Task;
        }
    }
}
