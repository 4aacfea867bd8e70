using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeFleet.Trust.Envelopes;

/// <summary>
/// A DSSE v1 envelope: a payload, its type, and signatures over both. What is signed are exact bytes (the pre-authentication
/// encoding), so no canonical JSON is needed; what is read afterwards is the verified payload only.
/// </summary>
public sealed class DsseEnvelope
{
    /// <summary>Envelopes come from strangers; a manifest of 64 files stays far below this.</summary>
    public const int MaximumBytes = 1 << 20;
    private const int MaximumSignatures = 16;

    private DsseEnvelope(string payloadType, byte[] payload, IReadOnlyList<DsseSignature> signatures)
    {
        PayloadType = payloadType;
        Payload = payload;
        Signatures = signatures;
    }

    public string PayloadType { get; }

    /// <summary>The bytes as they were signed. Trust them only after <see cref="Verify"/>.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    public IReadOnlyList<DsseSignature> Signatures { get; }

    public static DsseEnvelope Sign(string payloadType, byte[] payload, params ReadOnlySpan<ReleaseKey> keys)
    {
        byte[] signed = PreAuthenticationEncoding(payloadType, payload);
        List<DsseSignature> signatures = [];
        foreach (ReleaseKey key in keys)
        {
            signatures.Add(new DsseSignature(key.KeyId, key.Sign(signed)));
        }
        return new DsseEnvelope(payloadType, payload, signatures);
    }

    /// <exception cref="FormatException">The bytes are not an envelope; the message names the field.</exception>
    public static DsseEnvelope Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaximumBytes)
        {
            throw new FormatException($"envelope: {json.Length} bytes; at most {MaximumBytes}");
        }
        EnvelopeDocument document;
        try
        {
            document = JsonSerializer.Deserialize(json, EnvelopeJsonContext.Default.EnvelopeDocument)
                ?? throw new FormatException("envelope: the document is null");
        }
        catch (JsonException ex)
        {
            throw new FormatException($"envelope: {ex.Message}", ex);
        }
        if (document.Signatures.Count is 0 or > MaximumSignatures)
        {
            throw new FormatException($"envelope: {document.Signatures.Count} signatures; expected 1 to {MaximumSignatures}");
        }
        return new DsseEnvelope(
            document.PayloadType,
            FromBase64("payload", document.Payload),
            [.. document.Signatures.Select(s => new DsseSignature(s.Keyid, FromBase64("signatures.sig", s.Sig)))]);
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(
        new EnvelopeDocument
        {
            PayloadType = PayloadType,
            Payload = Convert.ToBase64String(Payload.Span),
            Signatures = [.. Signatures.Select(s => new EnvelopeSignature { Keyid = s.KeyId, Sig = Convert.ToBase64String(s.Signature) })],
        },
        EnvelopeJsonContext.Default.EnvelopeDocument);

    /// <summary>Checks the type and that at least one signature is by a key of the ring.</summary>
    public VerificationResult Verify(string expectedPayloadType, ReleaseKeyRing ring)
    {
        if (PayloadType != expectedPayloadType)
        {
            return new VerificationResult.Rejected(RejectionReason.PayloadType, $"payload type '{PayloadType}', expected '{expectedPayloadType}'");
        }
        byte[] signed = PreAuthenticationEncoding(PayloadType, Payload.Span);
        bool known = false;
        foreach (DsseSignature signature in Signatures)
        {
            if (ring.Find(signature.KeyId) is { } key)
            {
                known = true;
                if (key.Verify(signed, signature.Signature))
                {
                    return new VerificationResult.Verified(key.KeyId);
                }
            }
        }
        string signers = string.Join(", ", Signatures.Select(s => s.KeyId.Length > 12 ? s.KeyId[..12] : s.KeyId));
        return known
            ? new VerificationResult.Rejected(RejectionReason.BadSignature, $"the signature of key {signers} does not match the content")
            : new VerificationResult.Rejected(RejectionReason.UnknownKey, $"signed by {signers}; trusted here: {ring}");
    }

    /// <summary>DSSE's PAE: <c>"DSSEv1" SP len(type) SP type SP len(body) SP body</c>.</summary>
    internal static byte[] PreAuthenticationEncoding(string payloadType, ReadOnlySpan<byte> payload)
    {
        byte[] head = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"DSSEv1 {Encoding.UTF8.GetByteCount(payloadType)} {payloadType} {payload.Length} "));
        byte[] all = new byte[head.Length + payload.Length];
        head.CopyTo(all, 0);
        payload.CopyTo(all.AsSpan(head.Length));
        return all;
    }

    private static byte[] FromBase64(string field, string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException ex)
        {
            throw new FormatException($"envelope: {field} is not base64", ex);
        }
    }
}

public sealed record DsseSignature(string KeyId, byte[] Signature);

internal sealed record EnvelopeDocument
{
    public required string PayloadType { get; init; }
    public required string Payload { get; init; }
    public required IReadOnlyList<EnvelopeSignature> Signatures { get; init; }
}

internal sealed record EnvelopeSignature
{
    public required string Keyid { get; init; }
    public required string Sig { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EnvelopeDocument))]
internal sealed partial class EnvelopeJsonContext : JsonSerializerContext;
