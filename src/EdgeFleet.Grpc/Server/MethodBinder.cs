using System.Reflection;
using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>
/// Takes each method that the generated code names and says how a call of it runs. Without a handler the method is looked up
/// on <typeparamref name="TService"/> and called on the object made for the call.
/// </summary>
internal abstract class MethodBinder<TService> : ServiceBinderBase
    where TService : class
{
    private delegate Task<TResponse> Unary<TRequest, TResponse>(TService service, TRequest request, ServerCallContext context);

    private delegate Task<TResponse> ClientStreaming<TRequest, TResponse>(TService service, IAsyncStreamReader<TRequest> requests, ServerCallContext context);

    private delegate Task ServerStreaming<TRequest, TResponse>(TService service, TRequest request, IServerStreamWriter<TResponse> responses, ServerCallContext context);

    private delegate Task DuplexStreaming<TRequest, TResponse>(TService service, IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, ServerCallContext context);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        Unary<TRequest, TResponse> invoke = handler is null
            ? Open<Unary<TRequest, TResponse>>(method, typeof(TRequest), typeof(ServerCallContext))
            : (_, request, context) => handler(request, context);
        Add(method, async (service, call) =>
        {
            TRequest request = await call.Requests(method.RequestMarshaller).ReadOnlyMessageAsync().ConfigureAwait(false);
            TResponse response = await invoke(service, request, call.Context).ConfigureAwait(false);
            await call.RespondAsync(method.ResponseMarshaller, response).ConfigureAwait(false);
        });
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        ClientStreaming<TRequest, TResponse> invoke = handler is null
            ? Open<ClientStreaming<TRequest, TResponse>>(method, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext))
            : (_, requests, context) => handler(requests, context);
        Add(method, async (service, call) =>
        {
            TResponse response = await invoke(service, call.Requests(method.RequestMarshaller), call.Context).ConfigureAwait(false);
            await call.RespondAsync(method.ResponseMarshaller, response).ConfigureAwait(false);
        });
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        ServerStreaming<TRequest, TResponse> invoke = handler is null
            ? Open<ServerStreaming<TRequest, TResponse>>(method, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext))
            : (_, request, responses, context) => handler(request, responses, context);
        Add(method, async (service, call) =>
        {
            TRequest request = await call.Requests(method.RequestMarshaller).ReadOnlyMessageAsync().ConfigureAwait(false);
            await invoke(service, request, call.Responses(method.ResponseMarshaller), call.Context).ConfigureAwait(false);
        });
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        DuplexStreaming<TRequest, TResponse> invoke = handler is null
            ? Open<DuplexStreaming<TRequest, TResponse>>(method, typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext))
            : (_, requests, responses, context) => handler(requests, responses, context);
        Add(method, (service, call) =>
            invoke(service, call.Requests(method.RequestMarshaller), call.Responses(method.ResponseMarshaller), call.Context));
    }

    private static TDelegate Open<TDelegate>(IMethod method, params Type[] parameters)
        where TDelegate : Delegate
    {
        MethodInfo implementation = typeof(TService).GetMethod(method.Name, BindingFlags.Public | BindingFlags.Instance, parameters)
            ?? throw new InvalidOperationException($"{typeof(TService)} has no method for '{method.FullName}'.");
        return implementation.CreateDelegate<TDelegate>();
    }

    protected abstract void Add(IMethod method, Func<TService, ServerCall, Task> invoke);
}
