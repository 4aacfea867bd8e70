using System.Diagnostics.CodeAnalysis;
using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>How a call ended. The first reason wins, whether server, deadline, caller or connection gave it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer and no parent, and what it cancels may outlive the call for a moment.")]
internal sealed class CallOutcome
{
    private readonly TaskCompletionSource<(Status Status, Metadata Trailers)> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Fires when the call has ended: whatever still reads or writes for it stops.</summary>
    public CancellationToken Stop => _stop.Token;

    public bool HasEnded => _end.Task.IsCompleted;

    public Task Ended => _end.Task;

    public Status Status => Result.Status;

    public Metadata Trailers => Result.Trailers;

    private (Status Status, Metadata Trailers) Result => _end.Task.IsCompleted
        ? _end.Task.Result
        : throw new InvalidOperationException("The call has not ended yet; its status and trailers are not known.");

    public bool TryEnd(Status status, Metadata trailers) => _end.TrySetResult((status, trailers.Freeze()));

    public void StopAll() => _stop.Cancel();

    public RpcException ToException() => new(Status, Trailers);
}
