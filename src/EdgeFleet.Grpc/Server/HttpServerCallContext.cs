using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Core.Wire;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>The context of a call that came over HTTP/2.</summary>
internal sealed class HttpServerCallContext(HttpContext http, CallLifetime lifetime, ServerResponse response) : ServerCallContext
{
    private Metadata? _requestHeaders;

    public HttpContext HttpContext => http;

    protected override string MethodCore => http.Request.Path.Value ?? "";

    protected override string HostCore => http.Request.Host.Value ?? "";

    protected override string PeerCore => http.Connection switch
    {
        { RemoteIpAddress: null } => "unix:",
        { RemoteIpAddress: { IsIPv4MappedToIPv6: true } address, RemotePort: int port } => $"ipv4:{address.MapToIPv4()}:{port}",
        { RemoteIpAddress: { AddressFamily: AddressFamily.InterNetwork } address, RemotePort: int port } => $"ipv4:{address}:{port}",
        { RemoteIpAddress: IPAddress address, RemotePort: int port } => $"ipv6:[{address}]:{port}",
    };

    protected override DateTime DeadlineCore => lifetime.Deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();

    protected override CancellationToken CancellationTokenCore => lifetime.Token;

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        return response.WriteHeadersAsync(responseHeaders, CancellationTokenCore);
    }

    private Metadata ReadRequestHeaders()
    {
        Metadata headers = [];
        foreach ((string name, var values) in http.Request.Headers)
        {
            foreach (string? value in values)
            {
                MetadataHeaders.Decode(name, value ?? "", headers);
            }
        }

        return headers;
    }
}
