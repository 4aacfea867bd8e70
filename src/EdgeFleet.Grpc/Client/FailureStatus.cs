using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>What an exception of the HTTP stack means for the call.</summary>
internal static class FailureStatus
{
    public static Status From(Exception failure, Uri address)
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
        if (address.Scheme == Uri.UriSchemeHttps && chain.Any(IsConnectionClosedByServer))
        {
            // Under TLS 1.3 the client believes the handshake done before the server has looked at its certificate.
            detail += " (a server that refuses the client certificate, or misses one, ends connections like this)";
        }

        StatusCode code = chain.OfType<HttpProtocolException>().FirstOrDefault() is { } protocol
            ? StatusMapping.FromReset(protocol.ErrorCode)
            : chain.Any(cause => cause is HttpRequestException or IOException or SocketException or AuthenticationException)
                ? StatusCode.Unavailable
                : StatusCode.Internal;
        return new Status(code, detail, failure);
    }

    private static bool IsConnectionClosedByServer(Exception cause) => cause switch
    {
        HttpIOException io => io.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded,
        SocketException socket => socket.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown,
        _ => false,
    };
}
