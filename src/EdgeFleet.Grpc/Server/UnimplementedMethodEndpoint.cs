using Grpc.Core;
using Grpc.Core.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server;

/// <summary>Answers gRPC calls to services and methods that nobody mapped; other requests fall through to the host.</summary>
internal static class UnimplementedMethodEndpoint
{
    public static void Map(IEndpointRouteBuilder builder)
    {
        RoutePattern pattern = RoutePatternFactory.Parse(
            "{service}/{method}", defaults: null, parameterPolicies: new { method = new GrpcRequestConstraint() });
        builder.Map(pattern, AnswerAsync)
            .WithDisplayName("gRPC - unimplemented method")
            .WithOrder(int.MaxValue);
    }

    private static Task AnswerAsync(HttpContext http) => TrailersOnlyAnswer.WriteAsync(
        http, new Status(StatusCode.Unimplemented, $"Method '{http.Request.Path}' is not implemented here."));

    private sealed class GrpcRequestConstraint : IRouteConstraint
    {
        public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
            httpContext is not null
            && HttpMethods.IsPost(httpContext.Request.Method)
            && GrpcHeaders.IsGrpcContentType(httpContext.Request.ContentType);
    }
}
