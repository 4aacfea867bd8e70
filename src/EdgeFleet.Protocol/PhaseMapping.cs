using EdgeFleet.Core.Deployments;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Protocol;

/// <summary>Phases on the wire are numbered from 1, because 0 means that the sender did not set the field.</summary>
public static class PhaseMapping
{
    public static Wire.Phase ToWire(DeploymentPhase phase) => (Wire.Phase)((int)phase + 1);

    /// <exception cref="FormatException">The phase is not known to this build.</exception>
    public static DeploymentPhase ToCore(Wire.Phase phase) => System.Enum.IsDefined((DeploymentPhase)((int)phase - 1))
        ? (DeploymentPhase)((int)phase - 1)
        : throw new FormatException($"deployment report: phase {(int)phase} is not known to this build");
}
