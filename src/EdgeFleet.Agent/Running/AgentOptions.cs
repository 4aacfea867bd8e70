using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Linux.Gpio;

namespace EdgeFleet.Agent.Running;

/// <summary>How an agent behaves. Everything has a default that works.</summary>
public sealed record AgentOptions
{
    /// <summary>Labels of this start; they come on top of those of the enrolment.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public DeploymentOptions Deployments { get; init; } = new();
    public SyncOptions Sync { get; init; } = new();
    public OutboxOptions Outbox { get; init; } = new();
    public MetricOptions Metrics { get; init; } = new();
    public PublisherOptions Publisher { get; init; } = new();
    /// <summary>How long the broker keeps the device's session while it is off line.</summary>
    public TimeSpan BrokerSession { get; init; } = TimeSpan.FromHours(24);
    /// <summary>The line of a button that asks for a local rollback; null: there is none.</summary>
    public GpioAddress? RollbackButton { get; init; }
}
