using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>The shadow ticks that were reported for one attempt of a rollout, as they are stored.</summary>
public interface ITickLog
{
    /// <summary>Those stored after the one with this id, in the order in which they were stored; each tick of a device once.</summary>
    IEnumerable<ReportedTick> After(long id);
}

/// <summary>One tick as it was stored.</summary>
/// <param name="Id">Ascending in the order of storing, from 1.</param>
/// <param name="DeviceId">Who reported it.</param>
/// <param name="HardwareClass">The class as which it was measured.</param>
/// <param name="At">When it was stored, by the controller's clock.</param>
/// <param name="Tick">What was reported.</param>
public readonly record struct ReportedTick(long Id, string DeviceId, string HardwareClass, DateTimeOffset At, ShadowTick Tick);

/// <summary>Nothing was reported.</summary>
public sealed class NoTicks : ITickLog
{
    public static NoTicks Instance { get; } = new();

    public IEnumerable<ReportedTick> After(long id) => [];
}
