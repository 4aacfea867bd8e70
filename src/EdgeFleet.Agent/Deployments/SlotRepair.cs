using EdgeFleet.Agent.Content;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Agent.Deployments;

/// <summary>Makes slots anew where the file is lost.</summary>
internal static class SlotRepair
{
    /// <summary>A slot file that was lost or damaged is made anew from what is known of the model's deployments.</summary>
    /// <returns>What the slots name as active now; null where they were whole, or where nothing is known.</returns>
    public static Digest? Run(DeploymentServices services, string model, DeploymentRecord? record)
    {
        if (services.Slots.Read(model) is not null)
        {
            return null;
        }
        IReadOnlyList<Digest> committed = services.Files.LoadMemory(model).Committed;
        Digest? active = record switch
        {
            { Phase: DeploymentPhase.Committed } or { Code: FailureCodes.KeptServing } => record.Digest,
            { Before: { } before } => before,
            _ => null,
        };
        if (active is null || !services.State.Holds(active.Value))
        {
            active = committed.Where(services.State.Holds).Select(digest => (Digest?)digest).LastOrDefault();
        }
        if (active is not { } found)
        {
            return null;
        }
        Digest? golden = committed.Where(services.State.Holds).Select(digest => (Digest?)digest).FirstOrDefault();
        services.Slots.Write(model, found, golden == found ? null : golden, golden);
        return found;
    }
}
