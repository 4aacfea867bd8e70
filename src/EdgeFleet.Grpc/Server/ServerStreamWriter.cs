using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>The response stream as the service writes it.</summary>
internal sealed class ServerStreamWriter<T>(HttpServerCallContext context, ServerResponse response, Marshaller<T> marshaller) : IServerStreamWriter<T>
{
    public WriteOptions? WriteOptions
    {
        get => context.WriteOptions;
        set => context.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (context.CancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(context.CancellationToken);
        }

        bool flush = ((WriteOptions?.Flags ?? WriteFlags.None) & WriteFlags.BufferHint) == 0;
        return response.WriteAsync(marshaller, message, flush, cancellationToken);
    }
}
