namespace EdgeFleet.Core.Evidence;

/// <summary>What the runner, or an application that loads its files itself, counted while a newly activated artifact was on probation.</summary>
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
    /// <summary>What an application in file mode counted, in its own unit; null where it counts none.</summary>
    public long? Outputs { get; init; }
    /// <summary>Who counted: null for the runner, else what it says in this field.</summary>
    public string? Source { get; init; }

    /// <summary>The application itself, over its health socket.</summary>
    public const string ApplicationSource = "application";
}
