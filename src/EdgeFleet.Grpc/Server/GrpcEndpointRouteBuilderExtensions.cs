using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps gRPC services to routes.</summary>
public static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>Maps each method of a service; a service object is made for each call from the call's own scope.</summary>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.PublicConstructors)] TService>(
        this IEndpointRouteBuilder builder)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        BindServiceMethodAttribute attribute = typeof(TService).GetCustomAttribute<BindServiceMethodAttribute>(inherit: true)
            ?? throw new InvalidOperationException($"{typeof(TService)} does not derive from a generated service base.");
        MethodInfo bind = attribute.BindType
            .GetMethods(BindingFlags.Public | BindingFlags.Static)
            .FirstOrDefault(method => method.Name == attribute.BindMethodName
                && method.GetParameters() is [{ } binder, _]
                && binder.ParameterType == typeof(ServiceBinderBase))
            ?? throw new InvalidOperationException($"{attribute.BindType} has no {attribute.BindMethodName}(ServiceBinderBase, service) method.");

        return Map(builder, typeof(TService).Name, runner =>
        {
            EndpointServiceBinder<TService> binder = new(builder, runner);
            bind.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [binder, null], null);
            return binder.Endpoints;
        });
    }

    /// <summary>Maps the methods of one service object that all calls share.</summary>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService(this IEndpointRouteBuilder builder, ServerServiceDefinition serviceDefinition)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(serviceDefinition);
        return Map(builder, nameof(ServerServiceDefinition), runner =>
        {
            EndpointServiceBinder<object> binder = new(builder, runner);
            serviceDefinition.BindService(binder);
            return binder.Endpoints;
        });
    }

    private static GrpcServiceEndpointConventionBuilder Map(
        IEndpointRouteBuilder builder, string serviceName, Func<ServerCallRunner, IReadOnlyList<IEndpointConventionBuilder>> bind)
    {
        ServerCallRunner runner = builder.ServiceProvider.GetService<ServerCallRunner>()
            ?? throw new InvalidOperationException($"{serviceName} cannot be mapped: call services.AddGrpc() first.");
        if (runner.IsFirstMapping())
        {
            UnimplementedMethodEndpoint.Map(builder);
        }

        return new GrpcServiceEndpointConventionBuilder(bind(runner));
    }
}
