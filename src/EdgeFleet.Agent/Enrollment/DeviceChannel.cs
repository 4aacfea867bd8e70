using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Trust.Certificates;
using Grpc.Net.Client;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>Makes channels to the controller: TLS that trusts the fleet's own root and nothing else.</summary>
internal static class DeviceChannel
{
    private static readonly TimeSpan s_allowance = TimeSpan.FromMinutes(1);

    public static GrpcChannel Create(string url, string rootPem, PemIdentity? identity, TimeProvider time)
    {
        SslClientAuthenticationOptions tls = new()
        {
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Accepts(rootPem, time, certificate, chain, errors),
        };
        if (identity is not null)
        {
            tls.ClientCertificateContext = identity.Context;
        }
        SocketsHttpHandler handler = new()
        {
            SslOptions = tls,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // A fetch and the stream share one connection; the window is what a link of 10 ms needs for 1 Gbit/s.
            InitialHttp2StreamWindowSize = 1 << 20,
        };
        return GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    private static bool Accepts(string rootPem, TimeProvider time, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        using X509Certificate2 root = X509Certificate2.CreateFromPem(rootPem);
        DateTimeOffset floor = root.NotBefore;
        if (time.GetUtcNow() < floor && certificate is X509Certificate2 server)
        {
            // The clock is certainly wrong: it lies before the root was made. The pinned root still says who this is; how long
            // its certificates live can only be judged once the controller has said what time it is.
            floor = new DateTimeOffset(server.NotBefore) + s_allowance;
        }
        return CertificateTrust.FromPem(rootPem, time, floor).AcceptsServer(certificate, chain, errors);
    }
}
