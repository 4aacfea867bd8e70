using System.IO.Pipelines;
using Grpc.Core.Wire;

namespace Grpc.AspNetCore.Server;

/// <summary>How long a call on the server may run: until its caller is gone or its deadline has passed.</summary>
internal sealed class CallLifetime : IDisposable
{
    private readonly CancellationTokenSource _cancellation;
    private readonly TaskCompletionSource _expired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DeadlineTimer? _timer;
    private readonly CancellationToken _requestAborted;
    private volatile bool _streamIsBroken;

    public CallLifetime(TimeSpan? timeout, TimeProvider time, CancellationToken requestAborted)
    {
        _requestAborted = requestAborted;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(requestAborted);
        Token = _cancellation.Token;
        if (timeout is { } left)
        {
            Deadline = TimeoutHeader.DeadlineAfter(time.GetUtcNow().UtcDateTime, left);
            _timer = new DeadlineTimer(Deadline, time, OnExpired);
        }
    }

    /// <summary>Fires at the end of the lifetime, whatever ended it.</summary>
    public CancellationToken Token { get; }

    public DateTime Deadline { get; } = DateTime.MaxValue;

    /// <summary>Completes when the deadline has passed; null where the caller set none.</summary>
    public Task? Expired => _timer is null ? null : _expired.Task;

    public bool HasExpired => _expired.Task.IsCompleted;

    /// <summary>The caller reset the stream or its connection is lost; nobody would read a status.</summary>
    public bool CallerIsGone => _streamIsBroken || _requestAborted.IsCancellationRequested;

    /// <summary>
    /// Reads and flushes learn of a reset before RequestAborted fires, on a busy machine so long before that a service
    /// could write all its messages into the void and believe them sent. They tell it here.
    /// </summary>
    public OperationCanceledException StreamBroke(Exception? cause)
    {
        if (!HasExpired)
        {
            _streamIsBroken = true;
        }

        Cancel();
        return new OperationCanceledException("The stream of the call is closed.", cause, Token);
    }

    /// <summary>Reads the request's body; a stream that broke ends the lifetime.</summary>
    public async ValueTask<ReadResult> ReadAsync(PipeReader body, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException ex)
        {
            throw StreamBroke(ex);
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _cancellation.Dispose();
    }

    private void OnExpired()
    {
        _expired.TrySetResult();
        Cancel();
    }

    private void Cancel()
    {
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while this was on its way.
        }
    }
}
