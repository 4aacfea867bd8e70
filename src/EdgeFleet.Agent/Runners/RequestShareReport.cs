using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Runners;

/// <summary>A candidate that is to answer a share of a model's requests.</summary>
/// <param name="Percent">0 ends it.</param>
/// <param name="Seed">Of the coin that draws each request.</param>
public sealed record WantedShare(string Model, Digest Candidate, double Percent, ulong Seed);

/// <summary>What came of it.</summary>
public sealed record RequestShareReport
{
    /// <summary>Of the runner's process.</summary>
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>Since then it counts; another begin means other counts.</summary>
    public DateTimeOffset Since { get; init; }
    /// <summary>Why it is over or never began, as a stable word; null while it goes on.</summary>
    public string? Code { get; init; }
    public string Reason { get; init; } = "";
    /// <summary>The candidate did what no model may.</summary>
    public bool Invariant { get; init; }
    public required ArmCounts Baseline { get; init; }
    public required ArmCounts Candidate { get; init; }
}
