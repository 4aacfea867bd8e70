using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Workers;

/// <summary>Trials of a candidate, each in a process of its own that a model may crash.</summary>
public interface ITrials
{
    /// <summary>Loads the candidate and runs it once.</summary>
    Task<TrialResult> LoadAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken);

    /// <summary>Measures the candidate against the baseline; the result is <see cref="TrialResult.Measured"/> where it could.</summary>
    Task<TrialResult> BenchAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken);

    /// <summary>Compares on live inputs until cancelled; each tick is handed over before the next begins.</summary>
    Task<TrialResult> ShadowAsync(ShadowJob job, Func<ShadowTick, CancellationToken, Task> take, CancellationToken cancellationToken);
}

/// <summary>How a trial ended.</summary>
public abstract record TrialResult
{
    private TrialResult() { }

    public sealed record Passed : TrialResult;

    public sealed record Measured(BenchEvidence Evidence) : TrialResult;

    /// <summary>The model is at fault.</summary>
    /// <param name="Code">A stable word.</param>
    /// <param name="Invariant">It crashed, ran out of memory, or answered with what is no number or has the wrong shape.</param>
    public sealed record ModelFailed(string Code, string Detail, bool Invariant) : TrialResult;

    /// <summary>Something else is: the disk, the lease, the runner. It is tried again.</summary>
    public sealed record WorldFailed(string Detail) : TrialResult;
}
