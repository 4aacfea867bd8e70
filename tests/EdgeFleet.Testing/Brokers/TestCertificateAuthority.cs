using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Testing.Brokers;

/// <summary>A root of its own with P-256 certificates for one server on the loopback and for clients by common name.</summary>
public sealed class TestCertificateAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;

    public TestCertificateAuthority(string name = "test root")
    {
        CertificateRequest request = new($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    /// <summary>The root alone, without its key.</summary>
    public X509Certificate2Collection Roots => [X509CertificateLoader.LoadCertificate(_root.RawData)];

    public string RootPem => _root.ExportCertificatePem();

    public X509Certificate2 Client(string commonName) => Issue(new X500DistinguishedNameBuilder(), commonName, "1.3.6.1.5.5.7.3.2", null);

    public X509Certificate2 Server(params string[] names)
    {
        SubjectAlternativeNameBuilder alternatives = new();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }
        return Issue(new X500DistinguishedNameBuilder(), names[0], "1.3.6.1.5.5.7.3.1", alternatives);
    }

    public string WriteRoot(string folder)
    {
        string path = Path.Combine(folder, "root.pem");
        File.WriteAllText(path, RootPem);
        return path;
    }

    public (string Certificate, string Key) WriteServer(string folder) => Write(Server("127.0.0.1", "localhost"), folder, "server");

    /// <summary>For mosquitto_pub and mosquitto_sub.</summary>
    public string[] ClientArguments(string commonName, string folder)
    {
        (string certificate, string key) = Write(Client(commonName), folder, $"client-{Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(commonName)))[..8]}");
        return ["--cafile", WriteRoot(folder), "--cert", certificate, "--key", key];
    }

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }

    private static (string Certificate, string Key) Write(X509Certificate2 certificate, string folder, string name)
    {
        string certificatePath = Path.Combine(folder, $"{name}.pem");
        string keyPath = Path.Combine(folder, $"{name}.key");
        File.WriteAllText(certificatePath, certificate.ExportCertificatePem());
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        certificate.Dispose();
        return (certificatePath, keyPath);
    }

    private X509Certificate2 Issue(X500DistinguishedNameBuilder subject, string commonName, string usage, SubjectAlternativeNameBuilder? alternatives)
    {
        subject.AddCommonName(commonName);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        if (alternatives is not null)
        {
            request.CertificateExtensions.Add(alternatives.Build());
        }
        using X509Certificate2 bare = request.Create(_root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(14), RandomNumberGenerator.GetBytes(16));
        return bare.CopyWithPrivateKey(key);
    }
}
