using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Trust;

/// <summary>How keys are named and which are accepted.</summary>
public static class Keys
{
    /// <summary>SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.</summary>
    public static string Id(ECDsa key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    /// <summary>The pin of a certificate: SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.</summary>
    public static string Pin(X509Certificate2 certificate) =>
        Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    internal static void RequireP256(ECDsa key)
    {
        // The curve's name is not always filled in; its object identifier is.
        if (key.ExportParameters(false).Curve.Oid is not { } oid
            || !(oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value || oid.FriendlyName is "nistP256" or "ECDSA_P256"))
        {
            throw new CryptographicException("the key is not on the curve P-256");
        }
    }
}
