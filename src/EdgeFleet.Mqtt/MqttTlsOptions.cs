using System.Security.Cryptography.X509Certificates;

namespace EdgeFleet.Mqtt;

/// <summary>TLS with explicit trust: the chain must end in one of <see cref="TrustedRoots"/> and the name must match.</summary>
public sealed record MqttTlsOptions
{
    /// <summary>Roots to trust instead of the system's.</summary>
    public required X509Certificate2Collection TrustedRoots { get; init; }

    /// <summary>Asked before each connect, so that a renewed certificate is taken up without a new session.</summary>
    public Func<X509Certificate2?>? ClientCertificate { get; init; }

    /// <summary>Certificates between the client's and the root that the broker knows.</summary>
    public X509Certificate2Collection? Intermediates { get; init; }

    /// <summary>The time at which the broker's certificate is judged; the system's clock if null. For a device that knows its own to be wrong.</summary>
    public Func<DateTimeOffset>? VerificationTime { get; init; }

    /// <summary>The name or address that the broker's certificate must carry; the host that was dialled if null.</summary>
    public string? ServerName { get; init; }
}
