using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>What a controller gives for a renewal, checked before it replaces a certificate that works.</summary>
internal static class RenewalAnswer
{
    private static readonly TimeSpan s_allowance = TimeSpan.FromMinutes(1);

    /// <param name="now">The controller's time; null where it has not said it: then the answer is judged at its own beginning.</param>
    /// <exception cref="FormatException">It cannot take the place of the certificate in use; the message says why.</exception>
    public static PemIdentity Check(string chainPem, ECDsa key, string deviceId, string rootPem, PemIdentity inUse, DateTimeOffset? now)
    {
        PemIdentity renewed = PemIdentity.Load(chainPem, key.ExportPkcs8PrivateKeyPem());
        DateTimeOffset at = now ?? new DateTimeOffset(renewed.Leaf.NotBefore) + s_allowance;
        string? fault =
            renewed.CommonName != deviceId ? $"it is for '{renewed.CommonName}', this device is '{deviceId}'"
            : renewed.Leaf.NotAfter < inUse.Leaf.NotAfter ? $"it ends at {renewed.Leaf.NotAfter.ToUniversalTime():u}, the one in use at {inUse.Leaf.NotAfter.ToUniversalTime():u}"
            : !IsTrusted(renewed, rootPem, at) ? $"it does not lead to this fleet's root, or is not valid at {at:u}"
            : null;
        if (fault is null)
        {
            return renewed;
        }
        renewed.Dispose();
        throw new FormatException($"the renewed certificate cannot be used: {fault}");
    }

    /// <summary>Whether the fleet's root vouches for it at that time.</summary>
    internal static bool IsTrusted(PemIdentity identity, string rootPem, DateTimeOffset now)
    {
        using X509Chain sent = new();
        foreach (X509Certificate2 issuer in identity.Context.IntermediateCertificates)
        {
            sent.ChainPolicy.ExtraStore.Add(issuer);
        }
        return CertificateTrust.FromPem(rootPem, new Moment(now)).AcceptsClient(identity.Leaf, sent);
    }
}
