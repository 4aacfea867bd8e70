using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>The request stream of a call as its caller writes it.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse>(ClientCall<TRequest, TResponse> call, StreamingRequestContent content) : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    private readonly Lock _gate = new();
    private bool _writing;
    private bool _completed;

    public WriteOptions? WriteOptions { get; set; } = call.Options.WriteOptions;

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        lock (_gate)
        {
            if (_completed)
            {
                throw new InvalidOperationException("The request stream is complete; nothing more can be written.");
            }

            if (_writing)
            {
                throw new InvalidOperationException("The previous write to this stream has not ended; one write at a time.");
            }

            _writing = true;
        }

        try
        {
            using PooledBufferWriter frame = new();
            FrameSerializationContext.Serialize(new FrameSerializationContext(frame, call.MaxSendBytes), call.Method.RequestMarshaller, message);
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
                static state => ((ClientCall<TRequest, TResponse>)state!).Cancel(), call);
            await SendAsync(frame.WrittenMemory).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _writing = false;
            }
        }
    }

    public Task CompleteAsync()
    {
        lock (_gate)
        {
            if (_writing)
            {
                throw new InvalidOperationException("The previous write to this stream has not ended; await it first.");
            }

            _completed = true;
        }

        content.Complete();
        return Task.CompletedTask;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> frame)
    {
        try
        {
            Stream stream = await content.Stream.ConfigureAwait(false);
            await stream.WriteAsync(frame, call.Outcome.Stop).ConfigureAwait(false);
            if (((WriteOptions?.Flags ?? WriteFlags.None) & WriteFlags.BufferHint) == 0)
            {
                await stream.FlushAsync(call.Outcome.Stop).ConfigureAwait(false);
            }
        }
        catch (Exception ex)
        {
            // The stream broke. Whoever reads the response learns why; where nobody does, this failure is all there is.
            if (!call.Outcome.HasEnded && (call.Method.Type == MethodType.ClientStreaming || call.Responses.IsWaiting))
            {
                await call.Outcome.Ended.ConfigureAwait(false);
            }

            throw call.Outcome.HasEnded ? call.Outcome.ToException() : new RpcException(ex is OperationCanceledException
                ? new Status(StatusCode.Cancelled, "The server has ended the stream; the response says why.", ex)
                : call.ToStatus(ex));
        }
    }
}
