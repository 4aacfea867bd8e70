using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Mqtt;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Running;

/// <summary>
/// What an agent is put together from where it meets the machine. A simulated device replaces the hardware and the inference
/// and keeps everything else.
/// </summary>
public sealed record AgentSeams
{
    public required IModelRunner Runner { get; init; }
    public required ITrials Trials { get; init; }
    public required IDeviceFacts Facts { get; init; }
    /// <summary>Null: nothing is said of how the device is doing, as of one that is only modelled.</summary>
    public IDeviceGauges? Gauges { get; init; }
    public IModelInspector Inspector { get; init; } = new ScanningInspector();
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>Null: child processes.</summary>
    internal IHooks? Hooks { get; init; }
    /// <summary>Null: no application on this device can hold one, as on a simulated device.</summary>
    public BusyLocks? Busy { get; init; }
    public IGpioKernel Gpio { get; init; } = GpioKernel.Host;
    public required ILoggerFactory Loggers { get; init; }
    public Func<MqttSessionOptions, IMqttSession> Broker { get; init; } = static options => new MqttSession(options);
    /// <summary>Null: from the controller, over the agent's own channel.</summary>
    public IArtifactSource? Source { get; init; }
}
