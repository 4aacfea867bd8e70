using System.Security.Cryptography;

namespace EdgeFleet.Trust.Envelopes;

/// <summary>
/// The private half of a release key (ECDSA P-256). It signs what may run on the fleet and stays with the people who
/// release; the controller never holds it.
/// </summary>
public sealed class ReleaseKey : IDisposable
{
    private readonly ECDsa _key;

    private ReleaseKey(ECDsa key)
    {
        _key = key;
        KeyId = Keys.Id(key);
    }

    /// <summary>SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.</summary>
    public string KeyId { get; }

    public static ReleaseKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <param name="pem">PKCS#8, encrypted when <paramref name="passphrase"/> is given.</param>
    /// <exception cref="FormatException">Not a P-256 private key, or the passphrase is wrong.</exception>
    public static ReleaseKey FromPem(string pem, string? passphrase = null)
    {
        ECDsa key = ECDsa.Create();
        try
        {
            if (passphrase is null)
            {
                key.ImportFromPem(pem);
            }
            else
            {
                key.ImportFromEncryptedPem(pem, passphrase);
            }
            Keys.RequireP256(key);
            // Of a public key everything is there but this.
            _ = key.ExportParameters(includePrivateParameters: true);
            return new ReleaseKey(key);
        }
        catch (Exception ex) when (ex is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new FormatException("release key: expected a P-256 private key in PKCS#8 PEM, with its passphrase where it is encrypted", ex);
        }
    }

    public string ToPem(string? passphrase = null) => passphrase is null
        ? _key.ExportPkcs8PrivateKeyPem()
        : _key.ExportEncryptedPkcs8PrivateKeyPem(passphrase, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 600_000));

    public string PublicPem() => _key.ExportSubjectPublicKeyInfoPem();

    /// <summary>ECDSA over SHA-256, DER, as DSSE tools expect.</summary>
    internal byte[] Sign(byte[] data) => _key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public void Dispose() => _key.Dispose();
}
