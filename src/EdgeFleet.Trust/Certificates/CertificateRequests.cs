using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Trust.Certificates;

/// <summary>PKCS#10 requests: how a device makes one and what an authority takes from it.</summary>
public static class CertificateRequests
{
    /// <summary>A P-256 request is about 250 bytes; anything near this cap is not one.</summary>
    public const int MaximumBytes = 4096;

    /// <summary>A signed request, DER, that shows possession of the key.</summary>
    public static byte[] Create(ECDsa key, string deviceId) =>
        new CertificateRequest(new X500DistinguishedName($"CN={deviceId}"), key, HashAlgorithmName.SHA256).CreateSigningRequest();

    /// <summary>The identity of a request's key (SHA-256 of its SubjectPublicKeyInfo), to tell a repeated request from a stolen token.</summary>
    /// <exception cref="FormatException">As for <see cref="CertificateAuthority.IssueDevice"/>.</exception>
    public static string PublicKeyId(ReadOnlySpan<byte> certificateRequest) =>
        Convert.ToHexStringLower(SHA256.HashData(ReadPublicKey(certificateRequest).ExportSubjectPublicKeyInfo()));

    /// <summary>The same of the key that a certificate carries.</summary>
    public static string PublicKeyId(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    internal static PublicKey ReadPublicKey(ReadOnlySpan<byte> certificateRequest)
    {
        if (certificateRequest.Length is 0 or > MaximumBytes)
        {
            throw new FormatException($"certificate request: {certificateRequest.Length} bytes; expected 1 to {MaximumBytes}");
        }
        try
        {
            // Default options: the self-signature is checked and extensions are not taken over.
            CertificateRequest request = CertificateRequest.LoadSigningRequest(
                certificateRequest.ToArray(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
            using ECDsa key = request.PublicKey.GetECDsaPublicKey() ?? throw new CryptographicException("not an elliptic-curve key");
            Keys.RequireP256(key);
            return request.PublicKey;
        }
        // Mutated requests throw all of these from inside the framework's ASN.1 and key import.
        catch (Exception ex) when (ex is CryptographicException or NotSupportedException or PlatformNotSupportedException or ArgumentException)
        {
            throw new FormatException("certificate request: expected a PKCS#10 request with a P-256 key, signed by that key", ex);
        }
    }
}
