using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Trust.Certificates;

/// <summary>A certificate chain with its private key, as TLS wants it.</summary>
public sealed class PemIdentity : IDisposable
{
    private readonly X509Certificate2Collection _intermediates;

    private PemIdentity(X509Certificate2 leaf, X509Certificate2Collection intermediates)
    {
        Leaf = leaf;
        _intermediates = intermediates;
        Context = SslStreamCertificateContext.Create(leaf, intermediates, offline: true);
    }

    public X509Certificate2 Leaf { get; }

    /// <summary>Sends the issuing certificate along, so that a peer needs only the root.</summary>
    public SslStreamCertificateContext Context { get; }

    public string CommonName => CertificateTrust.CommonName(Leaf);

    /// <exception cref="FormatException">The chain or the key cannot be read, or they do not belong together.</exception>
    public static PemIdentity Load(string chainPem, string keyPem)
    {
        try
        {
            X509Certificate2Collection chain = [];
            chain.ImportFromPem(chainPem);
            if (chain.Count == 0)
            {
                throw new FormatException("identity: no certificate in the chain");
            }
            using ECDsa key = ECDsa.Create();
            key.ImportFromPem(keyPem);
            X509Certificate2 leaf = chain[0].CopyWithPrivateKey(key);
            X509Certificate2Collection rest = [];
            for (int i = 1; i < chain.Count; i++)
            {
                rest.Add(chain[i]);
            }
            return new PemIdentity(leaf, rest);
        }
        catch (Exception ex) when (ex is CryptographicException or ArgumentException or PlatformNotSupportedException)
        {
            // The last: a bit that flipped in the name of the curve.
            throw new FormatException("identity: the certificate chain and its key cannot be read or do not belong together", ex);
        }
    }

    public void Dispose()
    {
        Leaf.Dispose();
        foreach (X509Certificate2 certificate in _intermediates)
        {
            certificate.Dispose();
        }
    }
}
