using System.Buffers;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server;

/// <summary>A unary method that reads its message where it lies. The bytes are valid until the task has ended.</summary>
public delegate Task<TResponse> InPlaceUnaryMethod<TResponse>(ReadOnlySequence<byte> request, ServerCallContext context)
    where TResponse : class;

/// <summary>
/// gRPC on a bare server, for a program that has neither routing nor a container: a call's method is found by its path.
/// </summary>
public sealed class GrpcDispatcher
{
    private readonly Dictionary<string, Func<ServerCall, Task>> _methods = new(StringComparer.Ordinal);
    private readonly ServerCallRunner _runner;

    public GrpcDispatcher(GrpcServiceOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        _runner = new ServerCallRunner(Options.Create(options), time, loggers.CreateLogger<ServerCallRunner>());
    }

    /// <summary>Adds the methods of one service object that all calls share.</summary>
    public void Add(ServerServiceDefinition serviceDefinition)
    {
        ArgumentNullException.ThrowIfNull(serviceDefinition);
        serviceDefinition.BindService(new Binder(_methods));
    }

    /// <summary>Adds one method; it takes the place of an earlier one of the name.</summary>
    public void AddUnary<TResponse>(string fullName, InPlaceUnaryMethod<TResponse> method, Marshaller<TResponse> marshaller)
        where TResponse : class
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(marshaller);
        _methods[fullName] = async call =>
        {
            TResponse response;
            using (InPlaceMessage request = call.RequestInPlace())
            {
                response = await method(await request.ReadAsync().ConfigureAwait(false), call.Context).ConfigureAwait(false);
            }

            await call.RespondAsync(marshaller, response).ConfigureAwait(false);
        };
    }

    /// <summary>Answers one request.</summary>
    public Task AnswerAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        return _runner.RunAsync(http, _methods.GetValueOrDefault(http.Request.Path.Value ?? "", RefuseUnknown));
    }

    private static Task RefuseUnknown(ServerCall call) =>
        throw new RpcException(new Status(StatusCode.Unimplemented, $"Method '{call.Context.Method}' is not implemented here."));

    private sealed class Binder(Dictionary<string, Func<ServerCall, Task>> methods) : MethodBinder<object>
    {
        // A service definition brings its own object.
        protected override void Add(IMethod method, Func<object, ServerCall, Task> invoke) =>
            methods[method.FullName] = call => invoke(null!, call);
    }
}
