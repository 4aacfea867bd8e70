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

    /// <summary>Lets a candidate answer a share of the requests, and goes on with it; to be asked again more often than once a minute.</summary>
    /// <returns>Null: this runner knows no shares.</returns>
    /// <exception cref="RunnerAwayException">It does not answer.</exception>
    Task<RequestShareReport?> ShareAsync(WantedShare share, CancellationToken cancellationToken) => Task.FromResult<RequestShareReport?>(null);
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

    /// <summary>The application serves it: what is counted here is what it says of itself.</summary>
    public bool Application { get; init; }
    /// <summary>A stable word for <see cref="Error"/>; null: it does not load.</summary>
    public string? Code { get; init; }
    /// <summary>Why it cannot be judged yet, though nothing is wrong.</summary>
    public string? Waiting { get; init; }
    /// <summary>When the process that serves this model began, where that is not the runner's.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>Before then it is no use to ask again for what failed.</summary>
    public DateTimeOffset? AskAgainAt { get; init; }
    /// <summary>What came out, in the application's own unit; null where it counts none.</summary>
    public long? Outputs { get; init; }
    /// <summary>There were outputs with the digest before.</summary>
    public bool OutputsExpected { get; init; }
}
