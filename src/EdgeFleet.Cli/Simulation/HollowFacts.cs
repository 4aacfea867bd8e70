using EdgeFleet.Agent.Devices;
using EdgeFleet.Core.Devices;

namespace EdgeFleet.Cli.Simulation;

/// <summary>Hardware that says that it is simulated, so that its class is never mistaken for a real one.</summary>
internal sealed class HollowFacts(int classNumber) : IDeviceFacts
{
    public HardwareFacts Read() => new("simulated", 4096, "default", "none", "none", classNumber);
}
