using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Grpc.AspNetCore.Server;

/// <summary>Makes an endpoint of each method.</summary>
internal sealed class EndpointServiceBinder<TService>(IEndpointRouteBuilder routes, ServerCallRunner runner) : MethodBinder<TService>
    where TService : class
{
    private readonly List<IEndpointConventionBuilder> _endpoints = [];

    public IReadOnlyList<IEndpointConventionBuilder> Endpoints => _endpoints;

    protected override void Add(IMethod method, Func<TService, ServerCall, Task> invoke)
    {
        RequestDelegate handle = http => runner.RunAsync(http, call => ServiceInstance.UseAsync<TService>(
            http.RequestServices, service => invoke(service, call)));
        _endpoints.Add(routes.MapPost(method.FullName, handle)
            .WithDisplayName($"gRPC - {method.FullName}")
            .WithMetadata(method));
    }
}
