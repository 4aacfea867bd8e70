using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Core.Wire;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>The context of a call that came over HTTP/2.</summary>
internal sealed class HttpServerCallContext : ServerCallContext, IDisposable
{
    private readonly CancellationTokenSource _cancellation;
    private readonly TaskCompletionSource _expired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DeadlineTimer? _timer;
    private readonly ServerResponse _response;
    private Metadata? _requestHeaders;

    public HttpServerCallContext(HttpContext http, ServerResponse response, TimeSpan? timeout, TimeProvider time)
    {
        HttpContext = http;
        _response = response;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        CancellationTokenCore = _cancellation.Token;
        if (timeout is { } left)
        {
            DeadlineCore = TimeoutHeader.DeadlineAfter(time.GetUtcNow().UtcDateTime, left);
            _timer = new DeadlineTimer(DeadlineCore, time, OnExpired);
        }
    }

    public HttpContext HttpContext { get; }

    /// <summary>Completes when the deadline has passed; null where the caller set none.</summary>
    public Task? Expired => _timer is null ? null : _expired.Task;

    /// <summary>The caller reset the stream or is gone; nobody would read a status.</summary>
    public bool CallerIsGone { get; private set; }

    protected override string MethodCore => HttpContext.Request.Path.Value ?? "";

    protected override string HostCore => HttpContext.Request.Host.Value ?? "";

    protected override string PeerCore => HttpContext.Connection switch
    {
        { RemoteIpAddress: null } => "unix:",
        { RemoteIpAddress: { IsIPv4MappedToIPv6: true } address, RemotePort: int port } => $"ipv4:{address.MapToIPv4()}:{port}",
        { RemoteIpAddress: { AddressFamily: AddressFamily.InterNetwork } address, RemotePort: int port } => $"ipv4:{address}:{port}",
        { RemoteIpAddress: IPAddress address, RemotePort: int port } => $"ipv6:[{address}]:{port}",
    };

    protected override DateTime DeadlineCore { get; } = DateTime.MaxValue;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();

    protected override CancellationToken CancellationTokenCore { get; }

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    public void MarkCallerGone() => CallerIsGone = true;

    public void Dispose()
    {
        _timer?.Dispose();
        _cancellation.Dispose();
    }

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        return _response.WriteHeadersAsync(responseHeaders, CancellationTokenCore);
    }

    private void OnExpired()
    {
        _expired.TrySetResult();
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while the timer was firing.
        }
    }

    private Metadata ReadRequestHeaders()
    {
        Metadata headers = [];
        foreach ((string name, var values) in HttpContext.Request.Headers)
        {
            foreach (string? value in values)
            {
                MetadataHeaders.Decode(name, value ?? "", headers);
            }
        }

        return headers;
    }
}
