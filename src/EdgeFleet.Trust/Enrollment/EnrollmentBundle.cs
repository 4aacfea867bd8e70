using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Trust.Enrollment;

/// <summary>
/// What is flashed onto a device: where to enrol, the token, and the root it shall trust, with its pin, so that there is no
/// trust on first use.
/// </summary>
public sealed record EnrollmentBundle
{
    public required string EnrollUrl { get; init; }
    public required string Token { get; init; }
    public required string RootPem { get; init; }
    /// <summary>SHA-256 of the root's SubjectPublicKeyInfo, in hexadecimal.</summary>
    public required string RootPin { get; init; }

    /// <summary>
    /// Public release keys, PEM, that the operator gives the device by hand: it believes exactly these, whatever the controller
    /// says. Null: those that the controller names at enrolment.
    /// </summary>
    public IReadOnlyList<string>? ReleaseKeys { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EnrollmentJsonContext.Default.EnrollmentBundle);

    /// <exception cref="FormatException">Not a bundle, or the root is not the pinned one.</exception>
    public static EnrollmentBundle FromBytes(ReadOnlySpan<byte> json)
    {
        EnrollmentBundle bundle;
        try
        {
            bundle = JsonSerializer.Deserialize(json, EnrollmentJsonContext.Default.EnrollmentBundle)
                ?? throw new FormatException("enrolment bundle: the document is null");
        }
        catch (JsonException ex)
        {
            throw new FormatException($"enrolment bundle: {ex.Message}", ex);
        }
        if (!Uri.TryCreate(bundle.EnrollUrl, UriKind.Absolute, out Uri? url) || url.Scheme != Uri.UriSchemeHttps)
        {
            throw new FormatException($"enrolment bundle: enrollUrl '{bundle.EnrollUrl}' is not an https address");
        }
        try
        {
            using X509Certificate2 root = X509Certificate2.CreateFromPem(bundle.RootPem);
            string pin = Keys.Pin(root);
            if (!string.Equals(pin, bundle.RootPin, StringComparison.OrdinalIgnoreCase))
            {
                throw new FormatException($"enrolment bundle: the root's pin is {pin}, expected {bundle.RootPin}");
            }
        }
        catch (CryptographicException ex)
        {
            throw new FormatException("enrolment bundle: rootPem is not a certificate in PEM", ex);
        }
        if (bundle.ReleaseKeys is { } keys)
        {
            if (keys.Count == 0)
            {
                throw new FormatException("enrolment bundle: releaseKeys is empty, so nothing could ever run; leave it out or name a key");
            }
            ReleaseKeyRing.FromPem(keys);
        }
        return bundle;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    // What a key that this build does not know would have asked for, nobody can say: it is not let pass in silence.
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(EnrollmentBundle))]
internal sealed partial class EnrollmentJsonContext : JsonSerializerContext;
