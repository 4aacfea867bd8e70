using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>What REST says by an HTTP status, as gRPC says it.</summary>
internal static class GrpcErrors
{
    /// <summary>gRPC's own name for Retry-After: clients with a retry policy wait so long.</summary>
    public const string RetryAfter = "grpc-retry-pushback-ms";

    public static async Task<T> Mapped<T>(Func<Task<T>> answer)
    {
        try
        {
            return await answer();
        }
        catch (RequestException ex)
        {
            throw Of(ex);
        }
    }

    public static RpcException Of(RequestException refused)
    {
        Metadata trailers = [];
        if (refused.RetryAfterSeconds is { } seconds)
        {
            trailers.Add(RetryAfter, (seconds * 1000).ToString(CultureInfo.InvariantCulture));
        }
        return new RpcException(new Status(CodeOf(refused.Status), refused.Message), trailers);
    }

    private static StatusCode CodeOf(int httpStatus) => httpStatus switch
    {
        StatusCodes.Status400BadRequest => StatusCode.InvalidArgument,
        StatusCodes.Status404NotFound => StatusCode.NotFound,
        StatusCodes.Status413PayloadTooLarge or StatusCodes.Status429TooManyRequests => StatusCode.ResourceExhausted,
        StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        _ => StatusCode.Internal,
    };
}
