using EdgeFleet.Core;

namespace EdgeFleet.Agent.Runners;

/// <summary>The runner that serves this device's models, as the supervisor sees it: a process of its own.</summary>
public interface IModelRunner
{
    /// <summary>Asks it to look at the slots of a model, and waits until it serves what they say or has given up.</summary>
    /// <exception cref="RunnerAwayException">It does not answer.</exception>
    Task<RunnerReport> ReconcileAsync(string model, CancellationToken cancellationToken);

    /// <exception cref="RunnerAwayException">It does not answer.</exception>
    Task<RunnerReport> StatusAsync(CancellationToken cancellationToken);
}

/// <summary>The runner does not answer: it is not started, it is starting, or it crashed.</summary>
public sealed class RunnerAwayException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>What the runner says of itself. Another <paramref name="StartedAt"/> means another process.</summary>
public sealed record RunnerReport(DateTimeOffset StartedAt, IReadOnlyList<RunnerModel> Models)
{
    public RunnerModel? Find(string model) => Models.FirstOrDefault(candidate => candidate.Model == model);
}

/// <summary>One model in the runner; the counters begin with the activation of what is active.</summary>
public sealed record RunnerModel
{
    public required string Model { get; init; }
    /// <summary>What answers; null while nothing could be loaded.</summary>
    public required Digest? Active { get; init; }
    /// <summary>The digest of the slot, when it crashed the runner or does not load and an older one answers for it.</summary>
    public Digest? FellBackFrom { get; init; }
    public string? Error { get; init; }
    public DateTimeOffset? Since { get; init; }
    public long Requests { get; init; }
    public long Failures { get; init; }
    /// <summary>Requests with values that the model did not take, while it answered an input of the runner's own.</summary>
    public long Rejected { get; init; }
    public long NonFinite { get; init; }
    public long WrongShape { get; init; }
    public double P50Micros { get; init; }
    public double P95Micros { get; init; }
    public long ResidentBytes { get; init; }
}
