namespace EdgeFleet.Trust.Envelopes;

/// <summary>Whether an envelope may be believed.</summary>
public abstract record VerificationResult
{
    private VerificationResult() { }

    public sealed record Verified(string KeyId) : VerificationResult;

    public sealed record Rejected(RejectionReason Reason, string Detail) : VerificationResult;
}

public enum RejectionReason
{
    PayloadType,
    UnknownKey,
    BadSignature,
}
