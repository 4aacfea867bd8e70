using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Testing;

namespace EdgeFleet.Grpc.Tests.Security;

/// <summary>A P-256 authority with a server and a client certificate, as objects and as PEM files for other languages.</summary>
internal sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset s_from = DateTimeOffset.UtcNow.AddDays(-1);
    private static readonly DateTimeOffset s_to = DateTimeOffset.UtcNow.AddDays(1);

    private readonly TemporaryFolder _folder = new();

    public TestCertificates(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        Authority = request.CreateSelfSigned(s_from, s_to);
        Server = Issue("server", "1.3.6.1.5.5.7.3.1");
        Client = Issue("device-7", "1.3.6.1.5.5.7.3.2");
        _folder.Write("ca.pem", Authority.ExportCertificatePem());
    }

    public X509Certificate2 Authority { get; }

    public X509Certificate2 Server { get; }

    public X509Certificate2 Client { get; }

    /// <summary>Holds ca.pem, server.pem, server-key.pem, device-7.pem and device-7-key.pem.</summary>
    public string Folder => _folder.Path;

    /// <summary>Accepts what this authority issued, and for a server only under its own name.</summary>
    public bool Accepts(X509Certificate? certificate, System.Net.Security.SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 presented || (errors & ~System.Net.Security.SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return false;
        }

        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(presented);
    }

    public void Dispose()
    {
        Authority.Dispose();
        Server.Dispose();
        Client.Dispose();
        _folder.Dispose();
    }

    private X509Certificate2 Issue(string name, string usage)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        using X509Certificate2 certificate = request.Create(Authority, s_from, s_to, RandomNumberGenerator.GetBytes(8));
        X509Certificate2 withKey = certificate.CopyWithPrivateKey(key);
        _folder.Write($"{name}.pem", withKey.ExportCertificatePem());
        _folder.Write($"{name}-key.pem", key.ExportPkcs8PrivateKeyPem());
        return withKey;
    }
}
