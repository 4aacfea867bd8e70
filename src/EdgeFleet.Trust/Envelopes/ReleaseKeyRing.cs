using System.Security.Cryptography;

namespace EdgeFleet.Trust.Envelopes;

/// <summary>The public release keys that a device or a controller believes. Immutable and safe to share.</summary>
public sealed class ReleaseKeyRing
{
    private readonly Dictionary<string, PublicReleaseKey> _keys;

    private ReleaseKeyRing(Dictionary<string, PublicReleaseKey> keys) => _keys = keys;

    public IReadOnlyCollection<string> KeyIds => _keys.Keys;

    /// <exception cref="FormatException">One of the texts is not a P-256 public key.</exception>
    public static ReleaseKeyRing FromPem(IEnumerable<string> publicKeysPem)
    {
        Dictionary<string, PublicReleaseKey> keys = new(StringComparer.Ordinal);
        foreach (string pem in publicKeysPem)
        {
            PublicReleaseKey key = new(pem);
            keys[key.KeyId] = key;
        }
        return new ReleaseKeyRing(keys);
    }

    internal PublicReleaseKey? Find(string keyId) => _keys.GetValueOrDefault(keyId);

    public override string ToString() =>
        _keys.Count == 0 ? "no release key" : string.Join(", ", _keys.Keys.Order(StringComparer.Ordinal).Select(id => id[..12]));
}

internal sealed class PublicReleaseKey
{
    private readonly byte[] _subjectPublicKeyInfo;

    public PublicReleaseKey(string pem)
    {
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportFromPem(pem);
            Keys.RequireP256(key);
            _subjectPublicKeyInfo = key.ExportSubjectPublicKeyInfo();
            KeyId = Keys.Id(key);
        }
        catch (Exception ex) when (ex is CryptographicException or ArgumentException)
        {
            throw new FormatException("release key: expected a P-256 public key in PEM (BEGIN PUBLIC KEY)", ex);
        }
    }

    public string KeyId { get; }

    /// <summary>A key object is not safe to share between threads, and a check is rare: one is made for each.</summary>
    public bool Verify(byte[] data, byte[] signature)
    {
        using ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(_subjectPublicKeyInfo, out _);
        return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }
}
