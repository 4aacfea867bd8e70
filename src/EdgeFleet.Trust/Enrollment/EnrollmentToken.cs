using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace EdgeFleet.Trust.Enrollment;

/// <summary>
/// The secret that lets a device in once: 32 random bytes. Only its hash is stored, so that a copy of the database lets
/// nobody in.
/// </summary>
public static class EnrollmentToken
{
    public const string Prefix = "eft1.";
    private const int SecretBytes = 32;

    public static string Create() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>SHA-256 of the token, in hexadecimal; null for a text that cannot be one.</summary>
    public static string? Hash(string token)
    {
        if (!token.StartsWith(Prefix, StringComparison.Ordinal) || token.Length > 64 || !Base64Url.IsValid(token.AsSpan(Prefix.Length), out int bytes) || bytes != SecretBytes)
        {
            return null;
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token)));
    }
}
