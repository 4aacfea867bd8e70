using System.Security.Cryptography;
using System.Text;

namespace EdgeFleet.Controller.Webhooks;

/// <summary>
/// The signature of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over <c>id.timestamp.body</c>, so that libraries for
/// most languages check it. The receiver refuses old timestamps, and with them what somebody recorded and sends again.
/// </summary>
internal static class WebhookSignature
{
    public const string IdHeader = "webhook-id";
    public const string TimestampHeader = "webhook-timestamp";
    public const string SignatureHeader = "webhook-signature";
    private const string Prefix = "whsec_";
    private const int SecretBytes = 32;

    public static string NewSecret() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <param name="secret">From <see cref="NewSecret"/>.</param>
    /// <param name="id">Of the event; the same at each attempt.</param>
    /// <param name="timestamp">Of the attempt, Unix seconds.</param>
    /// <param name="body">As it is sent.</param>
    public static string Sign(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using IncrementalHash hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Convert.FromBase64String(secret[Prefix.Length..]));
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hash.AppendData(body);
        return "v1," + Convert.ToBase64String(hash.GetHashAndReset());
    }
}
