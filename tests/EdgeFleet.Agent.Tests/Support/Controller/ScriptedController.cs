using System.Net;
using System.Net.Security;
using EdgeFleet.Testing.Time;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Support.Controller;

/// <summary>
/// A controller in this process, as a device sees one: the real contracts over the real server, TLS with certificates of an
/// authority of its own, one listener for enrolment and one that asks for the device's certificate. What it says is scripted.
/// </summary>
internal sealed class ScriptedController : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedController(WebApplication app, CertificateAuthority authority, ScriptedEnrollment enrollment, ScriptedFleet fleet, ScriptedArtifacts artifacts, string enrollUrl)
    {
        _app = app;
        Authority = authority;
        Enrollment = enrollment;
        Fleet = fleet;
        Artifacts = artifacts;
        EnrollUrl = enrollUrl;
    }

    public CertificateAuthority Authority { get; }
    public ScriptedEnrollment Enrollment { get; }
    public ScriptedFleet Fleet { get; }
    public ScriptedArtifacts Artifacts { get; }
    public string EnrollUrl { get; }
    public string DeviceUrl => Enrollment.DeviceUrl;

    /// <param name="time">The controller's clock; the system's where a test does not care.</param>
    /// <param name="serverIssuedAfter">Its own certificate is so much younger than its root.</param>
    public static async Task<ScriptedController> StartAsync(TimeProvider? time = null, TimeSpan serverIssuedAfter = default)
    {
        time ??= TimeProvider.System;
        AuthorityFiles files = CertificateAuthority.Create("test", time);
        CertificateAuthority authority = CertificateAuthority.Load(files.RootPem, files.IssuerPem, files.IssuerKeyPem, time);
        (time as ManualTimeProvider)?.Advance(serverIssuedAfter);
        ServerCertificate server = authority.IssueServer("controller", ["127.0.0.1"]);
        PemIdentity shown = PemIdentity.Load(server.ChainPem, server.KeyPem);
        CertificateTrust trust = CertificateTrust.FromPem(authority.RootPem, time);
        ScriptedEnrollment enrollment = new(authority, time);
        ScriptedFleet fleet = new();
        ScriptedArtifacts artifacts = new();

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.WebHost.UseKestrelHttpsConfiguration();
        List<ListenOptions> listening = [];
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            foreach (bool asksForCertificate in new[] { false, true })
            {
                kestrel.Listen(IPAddress.Loopback, 0, listen =>
                {
                    listen.Protocols = HttpProtocols.Http2;
                    listen.Use(next => connection =>
                    {
                        connection.Features.Set(new PowerSwitch(connection));
                        return next(connection);
                    });
                    listen.UseHttps(new TlsHandshakeCallbackOptions
                    {
                        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                        {
                            ServerCertificateContext = shown.Context,
                            ClientCertificateRequired = asksForCertificate,
                            RemoteCertificateValidationCallback = asksForCertificate ? (_, certificate, chain, _) => trust.AcceptsClient(certificate, chain) || trust.AcceptsLapsedClient(certificate, chain) : null,
                            AllowTlsResume = false,
                        }),
                    });
                    listening.Add(listen);
                });
            }
        });
        WebApplication app = builder.Build();
        app.MapGrpcService(Wire.Enrollment.BindService(enrollment));
        app.MapGrpcService(Wire.Fleet.BindService(fleet));
        app.MapGrpcService(Wire.Artifacts.BindService(artifacts));
        await app.StartAsync();
        enrollment.DeviceUrl = $"https://127.0.0.1:{listening[1].IPEndPoint!.Port}";
        return new ScriptedController(app, authority, enrollment, fleet, artifacts, $"https://127.0.0.1:{listening[0].IPEndPoint!.Port}");
    }

    /// <summary>What an operator would flash, with a token that lets one device in.</summary>
    public EnrollmentBundle Bundle(string? token = null) => new()
    {
        EnrollUrl = EnrollUrl,
        Token = token ?? Enrollment.Grant(),
        RootPem = Authority.RootPem,
        RootPin = Authority.RootPin,
    };

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        Authority.Dispose();
    }

    /// <summary>Who calls, by the certificate of the connection.</summary>
    public static string Caller(ServerCallContext context) => context.GetHttpContext().Connection.ClientCertificate is { } certificate
        ? CertificateTrust.CommonName(certificate)
        : throw new RpcException(new Status(StatusCode.Unauthenticated, "a client certificate is needed; enrol first"));

    /// <summary>The end of the process as the other side sees it: the connection is gone, without a word.</summary>
    public static RpcException Die(ServerCallContext context)
    {
        context.GetHttpContext().Features.GetRequiredFeature<PowerSwitch>().Connection.Abort();
        return new RpcException(new Status(StatusCode.Internal, "never sent"));
    }

    /// <summary>Ends a connection below TLS.</summary>
    private sealed record PowerSwitch(ConnectionContext Connection);
}
