using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Agent.Deployments;

/// <summary>What came out of one act.</summary>
internal sealed record ActResult(PhaseOutcome Outcome, string Code = "", string Detail = "")
{
    public static ActResult Success { get; } = new(PhaseOutcome.Success);

    /// <summary>NaN, wrong shape, crash, memory: reported as such.</summary>
    public bool Invariant { get; init; }

    /// <summary>The digest itself is bad; it is remembered.</summary>
    public bool AgainstDigest { get; init; }

    /// <summary>A retry that costs nothing (the link is away) is not counted, or a device that is off line for a week would give up.</summary>
    public bool Counted { get; init; } = true;

    /// <summary>A retry that an operator shall see: its code and detail are reported while it waits.</summary>
    public bool Said { get; init; }

    public ProbationEvidence? Probation { get; init; }

    public static ActResult Retry(string code, string detail, bool counted = true) => new(PhaseOutcome.Retry, code, detail) { Counted = counted };

    public static ActResult Refusal(string code, string detail) => new(PhaseOutcome.Refusal, code, detail);

    public static ActResult BadDigest(string code, string detail) => new(PhaseOutcome.Failure, code, detail) { AgainstDigest = true };

    public static ActResult Broken(string code, string detail) =>
        new(PhaseOutcome.InvariantBroken, code, detail) { AgainstDigest = true, Invariant = true };
}
