namespace EdgeFleet.Controller.Enrollment;

/// <summary>What a device that asks for admission is told.</summary>
internal abstract record EnrollOutcome
{
    private EnrollOutcome() { }

    public sealed record Enrolled(string DeviceId, string ChainPem) : EnrollOutcome;

    /// <summary>An operator has to approve; the device asks again with the same token and key.</summary>
    public sealed record Pending(string DeviceId) : EnrollOutcome;

    public sealed record Refused(string Reason) : EnrollOutcome;
}

/// <param name="DeviceId">The name the device would like; empty takes the one that the token is bound to.</param>
internal sealed record EnrollAttempt(
    string Token, string DeviceId, byte[] CertificateRequest, Core.Devices.HardwareFacts? Facts,
    IReadOnlyDictionary<string, string> Labels, string AgentVersion);
