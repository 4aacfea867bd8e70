using System.Globalization;
using System.Net;

namespace Grpc.Core.Wire;

/// <summary>What other layers say, as a status code (grpc: PROTOCOL-HTTP2.md and http-grpc-status-mapping.md).</summary>
internal static class StatusMapping
{
    /// <summary>HTTP/2 error codes with which a stream is reset.</summary>
    public const int NoError = 0;

    public const int InternalError = 2;

    public const int Cancel = 8;

    public static StatusCode FromReset(long http2ErrorCode) => http2ErrorCode switch
    {
        7 => StatusCode.Unavailable, // REFUSED_STREAM: nothing was processed
        Cancel => StatusCode.Cancelled,
        11 => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        12 => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        5 or 13 => StatusCode.Unknown, // STREAM_CLOSED and HTTP_1_1_REQUIRED have no mapping
        _ => StatusCode.Internal,
    };

    /// <summary>For an answer that is not gRPC's: a proxy's error page, a server without the service.</summary>
    public static StatusCode FromHttp(HttpStatusCode httpStatus) => httpStatus switch
    {
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>A code that this version does not know is Unknown, as the specification asks.</summary>
    public static StatusCode FromHeader(string grpcStatus) =>
        int.TryParse(grpcStatus, NumberStyles.None, CultureInfo.InvariantCulture, out int code) && code <= (int)StatusCode.Unauthenticated
            ? (StatusCode)code
            : StatusCode.Unknown;

    public static string ToHeader(StatusCode code) => ((int)code).ToString(CultureInfo.InvariantCulture);
}
