using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Workers;

namespace EdgeFleet.Agent.Deployments;

/// <summary>What the acts of a deployment work with.</summary>
internal sealed record DeploymentServices
{
    public required StateFolder State { get; init; }
    public required SlotTable Slots { get; init; }
    public required DeploymentFiles Files { get; init; }
    public required ArtifactStore Store { get; init; }
    public required IArtifactSource Source { get; init; }
    public required IModelInspector Inspector { get; init; }
    public required ITrials Trials { get; init; }
    public required ModelRunners Runners { get; init; }
    public required IDeviceFacts Facts { get; init; }
    public required ReportWriter Reports { get; init; }
    /// <summary>Null: no application on this device can hold one.</summary>
    public BusyLocks? Busy { get; init; }
    public required DeploymentOptions Options { get; init; }
    public required TimeProvider Time { get; init; }
}
