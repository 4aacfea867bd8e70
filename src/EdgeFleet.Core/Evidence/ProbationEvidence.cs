namespace EdgeFleet.Core.Evidence;

/// <summary>What the runner counted while a newly activated artifact was on probation.</summary>
public sealed record ProbationEvidence
{
    public int SchemaVersion { get; init; } = 1;
    public required long Requests { get; init; }
    public required long Failures { get; init; }
    public long Rejected { get; init; }
    public required long NonFinite { get; init; }
    public required long WrongShape { get; init; }
    public required int RunnerRestarts { get; init; }
    public double P50Micros { get; init; }
    public double P95Micros { get; init; }
    public double Seconds { get; init; }
}
