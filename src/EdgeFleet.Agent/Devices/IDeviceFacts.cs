using EdgeFleet.Core.Devices;

namespace EdgeFleet.Agent.Devices;

/// <summary>What this device is.</summary>
public interface IDeviceFacts
{
    /// <summary>Read anew each time: a power mode may change.</summary>
    HardwareFacts Read();
}
