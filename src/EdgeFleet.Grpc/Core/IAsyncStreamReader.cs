namespace Grpc.Core;

/// <summary>The messages that the other side sends. One read at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    T Current { get; }

    /// <summary>False when the other side has sent its last message.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}
