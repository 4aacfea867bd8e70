using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>One call on the server: its context, its request stream and its response.</summary>
internal sealed class ServerCall(HttpServerCallContext context, CallLifetime lifetime, ServerResponse response, int? maxReceiveBytes)
{
    public HttpServerCallContext Context => context;

    public CallLifetime Lifetime => lifetime;

    public ServerResponse Response => response;

    public ServerStreamReader<T> Requests<T>(Marshaller<T> marshaller) => new(context, lifetime, marshaller, maxReceiveBytes);

    public InPlaceMessage RequestInPlace() => new(context, lifetime, maxReceiveBytes);

    public ServerStreamWriter<T> Responses<T>(Marshaller<T> marshaller) => new(context, response, marshaller);

    /// <summary>The only message of a response. It is not flushed: message and trailers leave together.</summary>
    public Task RespondAsync<T>(Marshaller<T> marshaller, T message)
        where T : class => message is null
        ? throw new RpcException(new Status(StatusCode.Cancelled, $"'{context.Method}' returned no message."))
        : response.WriteAsync(marshaller, message, flush: false, CancellationToken.None);
}
