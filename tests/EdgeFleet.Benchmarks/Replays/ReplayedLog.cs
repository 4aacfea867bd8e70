using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>What hollow devices have reported, in the order of arrival. Looks read it once, from where they were.</summary>
internal sealed class ReplayedLog : ITickLog
{
    private readonly List<ReportedTick> _ticks = [];

    public void Add(string device, DateTimeOffset at, ShadowTick tick) => _ticks.Add(new ReportedTick(_ticks.Count + 1, device, HollowDevice.HardwareClass, at, tick));

    public IEnumerable<ReportedTick> After(long id) => _ticks.Skip((int)id);
}
