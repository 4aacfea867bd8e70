using EdgeFleet.Core;

namespace EdgeFleet.Controller.Artifacts;

/// <summary>What became of an artifact that was shown for publishing.</summary>
internal abstract record PublishResult
{
    private PublishResult() { }

    /// <param name="Known">It was published before; nothing changed.</param>
    /// <param name="Warning">It can be rolled out, but not everywhere; why.</param>
    public sealed record Published(Digest Digest, string Model, string Version, bool Known, string? Warning = null) : PublishResult;

    /// <summary>Its files, or what it refers to, are not here (yet).</summary>
    public sealed record Incomplete(string Reason) : PublishResult;

    /// <summary>It may not be published; the reason names the thing and the value.</summary>
    public sealed record Refused(string Reason) : PublishResult;
}

/// <param name="Envelope">The DSSE envelope, JSON.</param>
/// <param name="Evidence">The exact bytes of the evaluation, as text; their digest is signed.</param>
/// <param name="OverrideReason">Publish although the evidence is missing or says no.</param>
internal sealed record PublishAttempt(byte[] Envelope, string? Evidence, string? OverrideReason, string Actor);
