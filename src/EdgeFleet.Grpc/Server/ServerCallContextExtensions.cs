using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Http;

namespace Grpc.Core;

/// <summary>The way from a call to the HTTP request below it.</summary>
public static class ServerCallContextExtensions
{
    /// <summary>
    /// The request that carries the call: its connection holds the client certificate. A test double offers one as
    /// <c>UserState["__HttpContext"]</c>.
    /// </summary>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext)
    {
        ArgumentNullException.ThrowIfNull(serverCallContext);
        return serverCallContext switch
        {
            HttpServerCallContext context => context.HttpContext,
            _ when serverCallContext.UserState.TryGetValue("__HttpContext", out object? value) && value is HttpContext http => http,
            _ => throw new InvalidOperationException($"{serverCallContext.GetType()} carries no HttpContext."),
        };
    }
}
