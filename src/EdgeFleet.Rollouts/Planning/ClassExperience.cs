using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>What an earlier rollout of the same model measured on a hardware class, which a plan then need not assume.</summary>
/// <param name="RolloutId">Which one.</param>
/// <param name="LatencyNoiseSd">Sd of one tick's latency log ratio, the baseline against itself; null with too little to tell.</param>
/// <param name="PairsPerSecond">Pairs that a device made in a second of its shadow; null where no tick was judged.</param>
public sealed record ClassExperience(string RolloutId, double? LatencyNoiseSd, double? PairsPerSecond)
{
    /// <param name="state">The earlier rollout.</param>
    /// <param name="hardwareClass">One of its classes.</param>
    /// <param name="shadow">The class's last verdict of the shadow stage; null where there is none.</param>
    public static ClassExperience? Of(RolloutState state, string hardwareClass, GateVerdict? shadow) =>
        state.Classes.FirstOrDefault(c => c.HardwareClass == hardwareClass)?.Calibration is { } calibration
            ? new ClassExperience(state.RolloutId, calibration.LatencyNoiseSd, shadow is null ? null : Pace(shadow, state.Margins.TickMilliseconds))
            : null;

    private static double? Pace(GateVerdict verdict, int tickMilliseconds)
    {
        long ticks = verdict.Metrics.Select(m => m.HarmObservations).DefaultIfEmpty(0).Max();
        List<long> pairs = [.. verdict.Devices.Where(d => d.Pairs > 0).Select(d => d.Pairs)];
        return ticks == 0 || pairs.Count == 0 ? null : pairs.Average() / (ticks * tickMilliseconds / 1000.0);
    }
}
