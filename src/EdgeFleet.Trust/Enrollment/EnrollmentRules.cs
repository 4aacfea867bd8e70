namespace EdgeFleet.Trust.Enrollment;

/// <summary>What is stored of a token.</summary>
/// <param name="DeviceId">The only device that may use it, where it is bound.</param>
/// <param name="UsesLeft">How many more devices it lets in.</param>
public sealed record TokenGrant(string? DeviceId, int UsesLeft, DateTimeOffset ExpiresAt, bool AutoApprove);

/// <summary>What is stored of a device that asked before.</summary>
/// <param name="PublicKeyId">The key it enrolled with.</param>
/// <param name="ByThisToken">It enrolled with the token that is shown now.</param>
public sealed record KnownDevice(string PublicKeyId, bool ByThisToken, bool Approved, bool Revoked);

/// <summary>What an authority does with a request to enrol.</summary>
public abstract record EnrollmentDecision
{
    private EnrollmentDecision() { }

    /// <summary>Use up one grant, remember the device, and issue a certificate when it needs no approval.</summary>
    public sealed record Admit(bool Approved) : EnrollmentDecision;

    /// <summary>The same device asks again (a lost reply, or a poll for approval): the same answer, no grant used.</summary>
    public sealed record Repeat(bool Approved) : EnrollmentDecision;

    /// <summary>
    /// A member shows its key and an operator's new token (its certificate ended, or its identity is wanted anew): use up one
    /// grant and issue a certificate; what the device is stays.
    /// </summary>
    public sealed record Readmit(bool Approved) : EnrollmentDecision;

    /// <param name="Alarm">Someone may hold a stolen token or a foreign name; worth an audit entry.</param>
    public sealed record Refuse(string Reason, bool Alarm) : EnrollmentDecision;
}

/// <summary>Enrolment as a rule without I/O: the caller reads the rows, asks, and writes the outcome in one transaction.</summary>
public static class EnrollmentRules
{
    public static EnrollmentDecision Decide(TokenGrant? grant, KnownDevice? device, string deviceId, string publicKeyId, DateTimeOffset now)
    {
        if (grant is null)
        {
            return new EnrollmentDecision.Refuse("the token is not known here; ask the operator for a new one", Alarm: true);
        }
        if (grant.DeviceId is { } bound && bound != deviceId)
        {
            return new EnrollmentDecision.Refuse($"the token is bound to another device than '{deviceId}'", Alarm: true);
        }
        if (device is { Revoked: true })
        {
            return new EnrollmentDecision.Refuse($"device '{deviceId}' is revoked", Alarm: true);
        }
        if (device is { ByThisToken: true } && device.PublicKeyId == publicKeyId)
        {
            // A repeat is honoured after expiry too: the device did everything right and only the reply was lost.
            return new EnrollmentDecision.Repeat(device.Approved);
        }
        if (now >= grant.ExpiresAt)
        {
            return new EnrollmentDecision.Refuse($"the token expired at {grant.ExpiresAt:u}; ask the operator for a new one", Alarm: false);
        }
        if (device is not null && device.PublicKeyId != publicKeyId)
        {
            return new EnrollmentDecision.Refuse(
                $"device '{deviceId}' is enrolled with another key; revoke and remove it first if it was flashed anew", Alarm: true);
        }
        if (grant.UsesLeft <= 0)
        {
            return new EnrollmentDecision.Refuse("the token has let in as many devices as it was made for; ask the operator for a new one", Alarm: true);
        }
        return device is null ? new EnrollmentDecision.Admit(grant.AutoApprove) : new EnrollmentDecision.Readmit(device.Approved);
    }
}
