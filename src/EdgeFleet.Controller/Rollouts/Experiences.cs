using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>What the last rollouts of a model measured on each hardware class.</summary>
internal static class Experiences
{
    // Older ones say little of a model that was changed since, and each is read whole.
    private const int LookedAt = 5;

    public static IReadOnlyDictionary<string, ClassExperience> Read(ReadSession session, string model)
    {
        Dictionary<string, ClassExperience> found = new(StringComparer.Ordinal);
        foreach (RolloutRow row in RolloutStore.ListOfModel(session, model, LookedAt))
        {
            RolloutState state = RolloutDocumentCodec.ReadState(row.State);
            int shadow = state.Spec.Stages.ToList().FindIndex(stage => stage.Kind == StageKind.Shadow);
            foreach (ClassProgress progress in state.Classes.Where(c => c.Calibration is not null && !found.ContainsKey(c.HardwareClass)))
            {
                GateVerdict? verdict = RolloutStore.FindLastVerdict(session, row.Id, progress.HardwareClass, shadow) is { } stored ? RolloutDocumentCodec.ReadVerdict(stored.Stored).Verdict : null;
                if (ClassExperience.Of(state, progress.HardwareClass, verdict) is { } experience)
                {
                    found[progress.HardwareClass] = experience;
                }
            }
        }
        return found;
    }
}
