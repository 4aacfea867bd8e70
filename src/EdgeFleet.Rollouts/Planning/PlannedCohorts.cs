using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>Which devices each stage will take while nothing goes wrong, by the rule that admits them.</summary>
internal static class PlannedCohorts
{
    /// <param name="offLine">Devices that are not on line: stages take them last.</param>
    /// <returns>For each stage its devices; null for the full stage and for those that are over.</returns>
    public static IReadOnlyList<IReadOnlyList<string>?> Of(RolloutSpec rollout, ClassProgress progress, IReadOnlySet<string> offLine)
    {
        HashSet<string> taken = [.. progress.Devices.Where(d => d.Stage >= 0).Select(d => d.DeviceId)];
        List<IReadOnlyList<string>?> cohorts = [];
        for (int i = 0; i < rollout.Stages.Count; i++)
        {
            StageSpec stage = rollout.Stages[i];
            if (i < progress.Stage)
            {
                cohorts.Add(null);
                continue;
            }
            List<string> cohort =
            [
                .. progress.Devices.Where(d => d.Exit is null && d.IsFor(i)).Select(d => d.DeviceId)
                    .OrderBy(id => taken.Contains(id) ? 0 : offLine.Contains(id) ? 2 : 1)
                    .Take(CohortSizes.Of(stage, i, progress.Devices)),
            ];
            taken.UnionWith(cohort);
            cohorts.Add(stage.Kind == StageKind.Full ? null : cohort);
        }
        return cohorts;
    }
}
