using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>What an exception of the HTTP stack means for the call.</summary>
internal static class FailureStatus
{
    public static Status From(Exception failure, Uri address, bool beforeResponse)
    {
        if (failure is RpcException rpc)
        {
            return rpc.Status;
        }

        List<Exception> chain = [];
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
        {
            chain.Add(cause);
        }

        string detail = $"{address.Authority}: {string.Join(": ", chain.Select(cause => cause.Message.TrimEnd('.')).Distinct())}";
        StatusCode code = chain.OfType<HttpProtocolException>().FirstOrDefault(IsStreamReset) is { } reset
            ? StatusMapping.FromReset(reset.ErrorCode)
            : chain.Any(cause => cause is HttpRequestException or IOException or SocketException or AuthenticationException)
                ? StatusCode.Unavailable
                : StatusCode.Internal;
        if (beforeResponse && code == StatusCode.Unavailable && address.Scheme == Uri.UriSchemeHttps && IsConnectionClosedByServer(chain))
        {
            // Under TLS 1.3 the client believes the handshake done before the server has looked at its certificate.
            detail += " (a server that refuses the client certificate, or misses one, ends connections like this)";
        }

        return new Status(code, detail, failure);
    }

    /// <summary>
    /// Only what the server says about one stream has a code to map. A lost ping, a broken frame and a GOAWAY come as the
    /// same type with codes of their own, but they end the connection: the server is unavailable. Nothing but the text
    /// tells the two apart; a test for each keeps that true.
    /// </summary>
    private static bool IsStreamReset(HttpProtocolException failure) =>
        failure.Message.Contains("reset the stream", StringComparison.Ordinal);

    /// <summary>
    /// One and the same refusal shows as InvalidResponse or a missing HTTP/2 handshake, as ResponseEnded, as a reset or as
    /// a broken pipe, depending on who is faster. So it is told by what it is not: a server that we refused, or one that
    /// cannot be reached.
    /// </summary>
    private static bool IsConnectionClosedByServer(List<Exception> chain) => !chain.Any(cause =>
        cause is AuthenticationException
            or HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }
            or SocketException { SocketErrorCode: not (SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted) });
}
