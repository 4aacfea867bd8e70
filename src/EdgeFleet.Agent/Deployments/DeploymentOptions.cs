using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Deployments;

/// <summary>How patient deployments are.</summary>
public sealed record DeploymentOptions
{
    /// <summary>Threads that inference may use on this device.</summary>
    public int Threads { get; init; } = 1;
    /// <summary>Host-wide lease of benchmarks.</summary>
    public string? BenchLease { get; init; }
    /// <summary>Which energy meter benchmarks read.</summary>
    public MeterChoice Meter { get; init; } = new();
    /// <summary>Bytes that a download must leave free.</summary>
    public long ReserveBytes { get; init; } = 64 << 20;
    /// <summary>Counted retries of one phase; the next one is a failure.</summary>
    public int MaximumRetries { get; init; } = 20;
    /// <summary>The same while the runner does not answer: it may be starting.</summary>
    public int MaximumRunnerRetries { get; init; } = 60;
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan FirstRunnerRetry { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan LongestRunnerRetry { get; init; } = TimeSpan.FromSeconds(2);
    /// <summary>Loading a large model may take long; longer than this counts as not loading.</summary>
    public TimeSpan ActivationTimeout { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>How often an application's busy lock is tried while it is held.</summary>
    public TimeSpan BusyPoll { get; init; } = TimeSpan.FromMilliseconds(500);
    /// <summary>How long a way back that somebody asked for waits for it.</summary>
    public TimeSpan BusyRollbackWait { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan ProbationPoll { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>How often the progress of a probation is saved.</summary>
    public TimeSpan ProbationSave { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>A candidate that has answered for so long in one run of the agent is not what ends that run; the runner trusts a digest after as long.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>Runner processes that one probation may see end.</summary>
    public int MaximumRunnerRestarts { get; init; } = 2;
    /// <summary>How often the runner is asked, outside a probation, whether it fell back to an older digest.</summary>
    public TimeSpan RunnerWatch { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>How often a request of the local command line is looked for; infinite where there can be none.</summary>
    public TimeSpan RequestWatch { get; init; } = TimeSpan.FromMilliseconds(500);
}
