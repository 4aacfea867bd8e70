using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Trust.Certificates;

/// <summary>
/// Who a peer has to be: a chain to one of our roots (the system's roots count for nothing), the right key usage and, for
/// servers, the right name. Revocation is asked of the controller's database, not of lists.
/// </summary>
public sealed class CertificateTrust
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private readonly X509Certificate2Collection _roots;
    private readonly TimeProvider _time;
    private readonly DateTimeOffset _floor;

    /// <param name="floor">
    /// The earliest time that the clock can truly have: a device that starts in 1970 would refuse every certificate as not
    /// yet valid, so chains are judged at the later of the clock and this.
    /// </param>
    public CertificateTrust(X509Certificate2Collection roots, TimeProvider time, DateTimeOffset floor = default)
    {
        _roots = roots;
        _time = time;
        _floor = floor;
    }

    /// <exception cref="FormatException">No certificate in the text.</exception>
    public static CertificateTrust FromPem(string rootsPem, TimeProvider time, DateTimeOffset floor = default)
    {
        X509Certificate2Collection roots = [];
        try
        {
            roots.ImportFromPem(rootsPem);
        }
        catch (CryptographicException ex)
        {
            throw new FormatException("trusted roots: expected certificates in PEM", ex);
        }
        return roots.Count > 0 ? new CertificateTrust(roots, time, floor) : throw new FormatException("trusted roots: no certificate in the text");
    }

    /// <summary>For a client: is this the server it meant to reach?</summary>
    public bool AcceptsServer(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors) =>
        // A chain that ends in our own root is an error to the system; a missing certificate or a wrong name is one to us too.
        (errors & (SslPolicyErrors.RemoteCertificateNotAvailable | SslPolicyErrors.RemoteCertificateNameMismatch)) == 0
        && certificate is not null
        && BuildsChain(certificate, presented, ServerAuthentication);

    /// <summary>For a server: did our authority issue this client certificate? Whose it is stands in its common name.</summary>
    public bool AcceptsClient(X509Certificate? certificate, X509Chain? presented) =>
        certificate is not null && BuildsChain(certificate, presented, ClientAuthentication);

    /// <summary>
    /// The same of one that has ended: it was good at its last moment. It says who is there and nothing else; what such a client
    /// may still do is for the calls to decide.
    /// </summary>
    public bool AcceptsLapsedClient(X509Certificate? certificate, X509Chain? presented) =>
        certificate is X509Certificate2 lapsed && lapsed.NotAfter < _time.GetUtcNow().LocalDateTime
        && BuildsChain(lapsed, presented, ClientAuthentication, new DateTimeOffset(lapsed.NotAfter).AddSeconds(-1));

    /// <summary>The TLS callback of a client.</summary>
    public RemoteCertificateValidationCallback ServerCallback => (_, certificate, chain, errors) => AcceptsServer(certificate, chain, errors);

    /// <summary>The common name of a certificate: the device id that the authority wrote there.</summary>
    public static string CommonName(X509Certificate2 certificate) => certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    private bool BuildsChain(X509Certificate certificate, X509Chain? presented, string usage)
    {
        DateTimeOffset now = _time.GetUtcNow();
        return BuildsChain(certificate, presented, usage, now > _floor ? now : _floor);
    }

    private bool BuildsChain(X509Certificate certificate, X509Chain? presented, string usage, DateTimeOffset at)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(usage));
        chain.ChainPolicy.VerificationTime = at.LocalDateTime;
        if (presented is not null)
        {
            foreach (X509ChainElement element in presented.ChainElements)
            {
                chain.ChainPolicy.ExtraStore.Add(element.Certificate);
            }
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        }
        return chain.Build(certificate as X509Certificate2 ?? X509CertificateLoader.LoadCertificate(certificate.GetRawCertData()));
    }
}
