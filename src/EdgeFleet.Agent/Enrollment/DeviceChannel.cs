using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Trust;
using EdgeFleet.Trust.Certificates;
using Grpc.Net.Client;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>Makes channels to the controller: TLS that trusts the fleet's own root and nothing else.</summary>
internal static class DeviceChannel
{
    private static readonly TimeSpan s_allowance = TimeSpan.FromMinutes(1);

    public static GrpcChannel Create(string url, string rootPem, PemIdentity? identity, TimeProvider time)
    {
        // The authority said that it was then when it gave the device its own certificate.
        DateTimeOffset floor = identity is null ? DateTimeOffset.MinValue : new DateTimeOffset(identity.Leaf.NotBefore);
        SslClientAuthenticationOptions tls = new()
        {
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Accepts(rootPem, floor, time, certificate, chain, errors),
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

    /// <exception cref="AuthenticationException">It is not the controller; the message says why, and becomes part of the call's status.</exception>
    private static bool Accepts(string rootPem, DateTimeOffset floor, TimeProvider time, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        using X509Certificate2 root = X509Certificate2.CreateFromPem(rootPem);
        DateTimeOffset now = time.GetUtcNow();
        // A clock outside the life of the root is certainly wrong, and says nothing. Nor can it be earlier than the device's own
        // certificate, or than the one that the server shows: the pinned authority signed both, and signs nothing ahead of time.
        // So a clock that is behind keeps nobody out, and a certificate that has ended by any of these is refused.
        DateTimeOffset judgedAt = now < root.NotBefore || now > root.NotAfter || now < floor ? floor : now;
        if (certificate is X509Certificate2 shown && judgedAt < shown.NotBefore + s_allowance)
        {
            judgedAt = shown.NotBefore + s_allowance;
        }
        return CertificateTrust.FromPem(rootPem, new Moment(judgedAt)).AcceptsServer(certificate, chain, errors)
            ? true
            : throw new AuthenticationException(Reason(root, now, certificate as X509Certificate2, chain, errors));
    }

    private static string Reason(X509Certificate2 root, DateTimeOffset now, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return "the server shows no certificate";
        }
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"the server's certificate ({certificate.Subject}) does not carry the name that was dialled";
        }
        bool ours = new CertificateTrust([root], new Moment(new DateTimeOffset(certificate.NotBefore) + s_allowance)).AcceptsServer(certificate, chain, errors);
        return ours
            ? $"the server's certificate is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}, and this device's clock says {now:u}"
            : $"the server's certificate ({certificate.Subject}) does not lead to the pinned root {Keys.Pin(root)}";
    }
}
