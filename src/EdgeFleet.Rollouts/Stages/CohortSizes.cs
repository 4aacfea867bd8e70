using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>How many devices of a class a stage takes.</summary>
internal static class CohortSizes
{
    /// <param name="devices">The whole class.</param>
    /// <param name="number">The stage's number in its rollout.</param>
    public static int Of(StageSpec stage, int number, IReadOnlyList<DeviceProgress> devices) =>
        // In a census every device is decided on its own pairs, so every device shadows.
        stage.Kind == StageKind.Shadow && devices.Count < GateRules.Current.CensusBelowDevices
            ? devices.Count
            : stage.CohortSize(devices.Count(d => d.IsFor(number)));
}
