namespace EdgeFleet.Rollouts.Gating;

/// <summary>A verdict computed again from what was stored.</summary>
public sealed record Recomputation
{
    /// <summary>As computed now; null where it could not be.</summary>
    public GateVerdict? Verdict { get; init; }

    /// <summary>Whether it equals the stored one to the last bit.</summary>
    public bool Same { get; init; }

    /// <summary>Why this build cannot compute it; null where it did. That is no sign of a wrong verdict.</summary>
    public string? NotComparable { get; init; }

    /// <summary>Each place where the stored verdict says other than what its inputs come to, with both.</summary>
    public IReadOnlyList<string> Differences { get; init; } = [];
}
