using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Trust.Certificates;

/// <summary>
/// The fleet's own authority: a root (P-384, ten years, pinned by devices) and an issuing authority (P-256, two years)
/// that signs device and server certificates. Leaves are short-lived; revocation is a row in the controller's database.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    public static readonly TimeSpan DeviceLifetime = TimeSpan.FromDays(14);
    private static readonly TimeSpan s_rootLifetime = TimeSpan.FromDays(3653);
    private static readonly TimeSpan s_issuerLifetime = TimeSpan.FromDays(731);
    private static readonly TimeSpan s_serverLifetime = TimeSpan.FromDays(90);
    // Devices without a clock battery lag; an hour is the usual allowance.
    private static readonly TimeSpan s_backdate = TimeSpan.FromHours(1);

    private readonly X509SignatureGenerator _signer;
    private readonly ECDsa _issuerKey;
    private readonly TimeProvider _time;

    private CertificateAuthority(X509Certificate2 root, X509Certificate2 issuer, ECDsa issuerKey, TimeProvider time)
    {
        Root = root;
        Issuer = issuer;
        _issuerKey = issuerKey;
        _signer = X509SignatureGenerator.CreateForECDsa(issuerKey);
        _time = time;
    }

    public X509Certificate2 Root { get; }
    public X509Certificate2 Issuer { get; }
    public string RootPem => Root.ExportCertificatePem();
    public string RootPin => Keys.Pin(Root);

    /// <summary>Makes a new root and issuing authority. The root's key is used once here; keep it off line afterwards.</summary>
    public static AuthorityFiles Create(string fleetName, TimeProvider time)
    {
        DateTimeOffset now = time.GetUtcNow();
        using ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        CertificateRequest rootRequest = new($"CN={fleetName} root", rootKey, HashAlgorithmName.SHA384);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 1, true));
        rootRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        rootRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(rootRequest.PublicKey, false));
        using X509Certificate2 root = rootRequest.CreateSelfSigned(now - s_backdate, now + s_rootLifetime);

        using ECDsa issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest issuerRequest = new($"CN={fleetName} issuing", issuerKey, HashAlgorithmName.SHA256);
        AddIssuerExtensions(issuerRequest, root);
        using X509Certificate2 issuer = issuerRequest.Create(root, now - s_backdate, now + s_issuerLifetime, Serial());

        return new AuthorityFiles(
            root.ExportCertificatePem(), rootKey.ExportPkcs8PrivateKeyPem(),
            issuer.ExportCertificatePem(), issuerKey.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>
    /// A certificate of full length for the issuing authority's own key, signed by the root. The key stays, so that what it has
    /// issued and what it issues lead to the root by either certificate, and one file changes.
    /// </summary>
    /// <exception cref="FormatException">The key cannot be read or is not the root's.</exception>
    public static string RenewIssuer(string rootPem, string rootKeyPem, string issuerPem, TimeProvider time)
    {
        try
        {
            using ECDsa rootKey = ECDsa.Create();
            rootKey.ImportFromPem(rootKeyPem);
            using X509Certificate2 bare = X509Certificate2.CreateFromPem(rootPem);
            using X509Certificate2 root = bare.CopyWithPrivateKey(rootKey);
            using X509Certificate2 issuer = X509Certificate2.CreateFromPem(issuerPem);
            DateTimeOffset now = time.GetUtcNow();
            DateTimeOffset end = now + s_issuerLifetime < root.NotAfter ? now + s_issuerLifetime : root.NotAfter;
            CertificateRequest request = new(issuer.SubjectName, issuer.PublicKey, HashAlgorithmName.SHA256);
            AddIssuerExtensions(request, root);
            using X509Certificate2 renewed = request.Create(root.SubjectName, X509SignatureGenerator.CreateForECDsa(rootKey), now - s_backdate, end, Serial());
            return renewed.ExportCertificatePem();
        }
        catch (Exception ex) when (ex is CryptographicException or ArgumentException)
        {
            throw new FormatException("certificate authority: the root's key cannot be read or is not that of the root", ex);
        }
    }

    /// <exception cref="FormatException">The files do not belong together.</exception>
    public static CertificateAuthority Load(string rootPem, string issuerPem, string issuerKeyPem, TimeProvider time)
    {
        try
        {
            ECDsa key = ECDsa.Create();
            key.ImportFromPem(issuerKeyPem);
            return new CertificateAuthority(X509Certificate2.CreateFromPem(rootPem), X509Certificate2.CreateFromPem(issuerPem), key, time);
        }
        catch (Exception ex) when (ex is CryptographicException or ArgumentException)
        {
            throw new FormatException("certificate authority: the root, the issuing certificate or its key cannot be read", ex);
        }
    }

    /// <summary>
    /// A client certificate for a device. Of the request only the public key is used (P-256); its subject, its names and its
    /// extensions are ignored, so a device cannot ask to be another.
    /// </summary>
    /// <exception cref="FormatException">The request cannot be read, is not signed by its own key, or has another kind of key.</exception>
    public IssuedCertificate IssueDevice(string deviceId, ReadOnlySpan<byte> certificateRequest)
    {
        PublicKey publicKey = CertificateRequests.ReadPublicKey(certificateRequest);
        DateTimeOffset now = _time.GetUtcNow();
        CertificateRequest request = new(new X500DistinguishedName($"CN={deviceId}"), publicKey, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddUri(new Uri($"spiffe://edgefleet/device/{deviceId}"));
        AddLeafExtensions(request, names, "1.3.6.1.5.5.7.3.2");
        return Issue(request, now, DeviceLifetime);
    }

    /// <summary>When an authority like this one made the certificate, to the second below.</summary>
    public static DateTimeOffset IssuedAt(X509Certificate2 leaf) => new DateTimeOffset(leaf.NotBefore) + s_backdate;

    /// <summary>What <see cref="IssueDevice"/> answered when it issued this one: leaf first, then the issuing authority.</summary>
    public string ChainOf(X509Certificate2 leaf) => leaf.ExportCertificatePem() + "\n" + Issuer.ExportCertificatePem() + "\n";

    /// <summary>A server certificate with its key, PEM. <paramref name="names"/> are DNS names and IP addresses.</summary>
    public ServerCertificate IssueServer(string commonName, IEnumerable<string> names)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(new X500DistinguishedName($"CN={commonName}"), key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder builder = new();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                builder.AddIpAddress(address);
            }
            else
            {
                builder.AddDnsName(name);
            }
        }
        AddLeafExtensions(request, builder, "1.3.6.1.5.5.7.3.1");
        IssuedCertificate issued = Issue(request, _time.GetUtcNow(), s_serverLifetime);
        return new ServerCertificate(issued.ChainPem, key.ExportPkcs8PrivateKeyPem(), issued.NotAfter);
    }

    /// <summary>A client certificate for a part of the controller itself (its own MQTT session), with its key, PEM.</summary>
    public ServerCertificate IssueClient(string commonName)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(new X500DistinguishedName($"CN={commonName}"), key, HashAlgorithmName.SHA256);
        AddLeafExtensions(request, null, "1.3.6.1.5.5.7.3.2");
        IssuedCertificate issued = Issue(request, _time.GetUtcNow(), s_serverLifetime);
        return new ServerCertificate(issued.ChainPem, key.ExportPkcs8PrivateKeyPem(), issued.NotAfter);
    }

    public void Dispose()
    {
        Root.Dispose();
        Issuer.Dispose();
        _issuerKey.Dispose();
    }

    private static void AddIssuerExtensions(CertificateRequest request, X509Certificate2 root)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, true, false));
    }

    private void AddLeafExtensions(CertificateRequest request, SubjectAlternativeNameBuilder? names, string extendedKeyUsage)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(extendedKeyUsage)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Issuer, true, false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names.Build());
        }
    }

    private IssuedCertificate Issue(CertificateRequest request, DateTimeOffset now, TimeSpan lifetime)
    {
        // A leaf never outlives its issuer: chain building would refuse it with a message that nobody understands.
        DateTimeOffset notAfter = now + lifetime < Issuer.NotAfter ? now + lifetime : Issuer.NotAfter;
        byte[] serial = Serial();
        lock (_issuerKey)
        {
            using X509Certificate2 leaf = request.Create(Issuer.SubjectName, _signer, now - s_backdate, notAfter, serial);
            return new IssuedCertificate(ChainOf(leaf), leaf.SerialNumber, notAfter, CertificateRequests.PublicKeyId(leaf));
        }
    }

    /// <summary>128 random bits, positive, as RFC 5280 asks.</summary>
    private static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}

/// <summary>PEM of a new authority; who stores the keys and where is the caller's business.</summary>
public sealed record AuthorityFiles(string RootPem, string RootKeyPem, string IssuerPem, string IssuerKeyPem);

/// <param name="ChainPem">Leaf first, then the issuing authority.</param>
/// <param name="SerialNumber">Hexadecimal, as .NET prints it.</param>
/// <param name="PublicKeyId">SHA-256 of the SubjectPublicKeyInfo.</param>
public sealed record IssuedCertificate(string ChainPem, string SerialNumber, DateTimeOffset NotAfter, string PublicKeyId);

public sealed record ServerCertificate(string ChainPem, string KeyPem, DateTimeOffset NotAfter);
