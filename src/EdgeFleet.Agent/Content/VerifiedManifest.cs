using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Agent.Content;

/// <summary>A manifest whose signature, digest and model were checked.</summary>
internal sealed record VerifiedManifest(ArtifactManifest Manifest, byte[] Envelope)
{
    /// <summary>Checks an envelope that came from anywhere: the network or the disk.</summary>
    /// <exception cref="BadArtifactException">It may not run here; the message says why.</exception>
    public static VerifiedManifest Check(byte[] envelopeBytes, string model, Digest expected, ReleaseKeyRing keys)
    {
        DsseEnvelope envelope;
        try
        {
            envelope = DsseEnvelope.Parse(envelopeBytes);
        }
        catch (FormatException ex)
        {
            throw new BadArtifactException(FailureCodes.BadManifest, $"artifact {expected.Short}: {ex.Message}");
        }
        // The signature first: nothing of the payload is looked at before someone whom this device believes stands behind it.
        if (envelope.Verify(ArtifactManifest.PayloadType, keys) is VerificationResult.Rejected rejected)
        {
            throw new BadArtifactException(FailureCodes.BadSignature, $"artifact {expected.Short}: {rejected.Detail}");
        }
        Digest actual = Digest.Of(envelope.Payload.Span);
        if (actual != expected)
        {
            throw new BadArtifactException(FailureCodes.BadManifest, $"artifact {expected.Short}: digest mismatch, expected {expected}, got {actual}");
        }
        ArtifactManifest manifest;
        try
        {
            manifest = ArtifactManifest.FromBytes(envelope.Payload.Span);
        }
        catch (FormatException ex)
        {
            throw new BadArtifactException(FailureCodes.BadManifest, $"artifact {expected.Short}: {ex.Message}");
        }
        return manifest.Model == model
            ? new VerifiedManifest(manifest, envelopeBytes)
            : throw new BadArtifactException(FailureCodes.BadManifest, $"artifact {expected.Short} is for model '{manifest.Model}', not '{model}'");
    }
}

/// <summary>The artifact itself is at fault, whoever carried it.</summary>
internal sealed class BadArtifactException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}
