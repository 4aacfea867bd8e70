using System.Net;
using System.Net.Security;
using EdgeFleet.Controller.Enrollment;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EdgeFleet.Controller.Hosting;

/// <summary>Each audience has a listener of its own, and a service answers on its own only.</summary>
internal enum Plane
{
    Operator,
    Enroll,
    Device,
}

/// <summary>Marks a connection with the listener that it came in by.</summary>
internal sealed record PlaneFeature(Plane Plane);

/// <summary>Endpoint metadata: the planes that an endpoint belongs to.</summary>
internal sealed record OnPlane(params Plane[] Planes);

/// <summary>
/// The three listeners: operators (HTTP/1.1), enrolment (TLS, the server shows itself) and devices (TLS, both sides do).
/// Their addresses are known once they listen, because ports may be chosen by the system.
/// </summary>
internal sealed class Listeners
{
    // Kestrel's own default is none; devices, enrolments and operators of the fleets that one process serves stay far below.
    private const int MaximumConnections = 20_000;
    // For everything but content, which streams past it into a store with a cap of its own.
    public const long MaximumRequestBytes = 8 << 20;
    private static readonly TimeSpan s_handshake = TimeSpan.FromSeconds(10);
    private readonly Dictionary<Plane, ListenOptions> _listening = [];

    public string OperatorUrl { get; private set; } = "";
    public string EnrollUrl { get; private set; } = "";
    public string DeviceUrl { get; private set; } = "";

    public void Configure(IWebHostBuilder host, ControllerOptions options, FleetAuthority authority)
    {
        host.UseKestrelCore();
        host.UseKestrelHttpsConfiguration();
        host.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaximumConnections;
            kestrel.Limits.MaxRequestBodySize = MaximumRequestBytes;
            kestrel.Listen(AddressOf(options.OperatorUrl.Host), options.OperatorUrl.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                Mark(listen, Plane.Operator);
                if (options.OperatorUrl.Scheme == Uri.UriSchemeHttps)
                {
                    listen.UseHttps(Tls(authority, clientCertificates: false));
                }
            });
            kestrel.Listen(options.BindAddress, options.EnrollPort, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                Mark(listen, Plane.Enroll);
                listen.UseHttps(Tls(authority, clientCertificates: false));
            });
            kestrel.Listen(options.BindAddress, options.DevicePort, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                Mark(listen, Plane.Device);
                listen.UseHttps(Tls(authority, clientCertificates: true));
            });
        });
    }

    /// <summary>Called when the listeners are bound.</summary>
    public void Resolve(ControllerOptions options)
    {
        string advertised = options.Names[0];
        OperatorUrl = $"{options.OperatorUrl.Scheme}://{Bracketed(options.OperatorUrl.Host)}:{Port(Plane.Operator)}";
        EnrollUrl = $"https://{Bracketed(advertised)}:{Port(Plane.Enroll)}";
        DeviceUrl = $"https://{Bracketed(advertised)}:{Port(Plane.Device)}";
    }

    /// <exception cref="RpcException">The call came in by the listener of another audience.</exception>
    public void Require(HttpContext context, Plane plane)
    {
        if (context.Features.Get<PlaneFeature>()?.Plane != plane)
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, $"this method is served at {(plane == Plane.Enroll ? EnrollUrl : DeviceUrl)}"));
        }
    }

    /// <summary>Middleware: an endpoint that belongs to another listener does not exist here.</summary>
    public static Task KeepPlanesApart(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<OnPlane>() is { } on
            && (context.Features.Get<PlaneFeature>() is not { } came || !on.Planes.Contains(came.Plane)))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        return next(context);
    }

    private int Port(Plane plane) => _listening[plane].IPEndPoint!.Port;

    private void Mark(ListenOptions listen, Plane plane)
    {
        _listening[plane] = listen;
        PlaneFeature feature = new(plane);
        listen.Use(next => connection =>
        {
            connection.Features.Set(feature);
            return next(connection);
        });
    }

    private static TlsHandshakeCallbackOptions Tls(FleetAuthority authority, bool clientCertificates) => new()
    {
        HandshakeTimeout = s_handshake,
        // Asked at each handshake, so that a renewed certificate is shown without a restart.
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = authority.Server.Current.Context,
            ClientCertificateRequired = clientCertificates,
            RemoteCertificateValidationCallback = clientCertificates
                // One that has ended gets as far as being told so, and as far as renewing it.
                ? (_, certificate, chain, _) => authority.Trust.AcceptsClient(certificate, chain) || authority.Trust.AcceptsLapsedClient(certificate, chain)
                : null,
            // A resumed session brings the peer's leaf without its issuer, so either side's chain would not build; and a
            // certificate is to be judged at each connection.
            AllowTlsResume = false,
            CertificateRevocationCheckMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck,
        }),
    };

    private static IPAddress AddressOf(string host) =>
        host == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) ? address
        : Dns.GetHostAddresses(host) is [var first, ..] ? first
        : throw new IOException($"operator url: '{host}' has no address");

    private static string Bracketed(string host) => host.Contains(':') && !host.StartsWith('[') ? $"[{host}]" : host;
}
