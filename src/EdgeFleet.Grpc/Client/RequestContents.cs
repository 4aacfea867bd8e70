using System.Net;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>The body of a call with one request message.</summary>
internal sealed class SingleRequestContent(ReadOnlyMemory<byte> frame) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        stream.WriteAsync(frame, cancellationToken).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = frame.Length;
        return true;
    }
}

/// <summary>The body of a call whose messages come later: it lends out HttpClient's stream until the last is written.</summary>
internal sealed class StreamingRequestContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where messages go, once the connection is there; cancelled when the call ended first.</summary>
    public Task<Stream> Stream => _stream.Task;

    /// <summary>No message follows: the request half of the stream closes.</summary>
    public void Complete() => _completed.TrySetResult();

    /// <summary>The call has ended: HttpClient lets go of the stream, resetting it where the request was not complete.</summary>
    public void Abandon()
    {
        _stream.TrySetCanceled();
        _completed.TrySetCanceled();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // Without this the request headers wait for the first message, and a server that speaks first is never asked.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (!_stream.TrySetResult(stream) && !_stream.Task.IsCanceled)
        {
            throw new IOException("The connection refused the stream after messages were written to it; they cannot be sent again.");
        }

        // HttpClient cancels its token when the stream has failed, and would then report that cancellation instead of the
        // failure. The response knows the reason; it ends the call, and that ends this.
        await _completed.Task.ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
