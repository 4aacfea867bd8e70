using Grpc.Core;
using Grpc.Core.Wire;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>A call that ends before a service saw it: the status travels in the response headers, alone.</summary>
internal static class TrailersOnlyAnswer
{
    public static Task WriteAsync(HttpContext http, Status status)
    {
        http.Response.ContentType = GrpcHeaders.ContentType;
        http.Response.Headers[GrpcHeaders.Status] = StatusMapping.ToHeader(status.StatusCode);
        if (status.Detail.Length > 0)
        {
            http.Response.Headers[GrpcHeaders.Message] = StatusMessage.Encode(status.Detail);
        }

        return http.Response.CompleteAsync();
    }
}
