using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Ticks in memory, in the order of arrival, as a store keeps them: each tick of a device once.</summary>
internal sealed class TickLog : ITickLog
{
    private readonly List<ReportedTick> _rows = [];
    private readonly HashSet<(string, long)> _known = [];

    /// <summary>Changes what is stored from now on.</summary>
    public Func<ReportedTick, ReportedTick> Stored { get; set; } = row => row;

    public void Add(string deviceId, string hardwareClass, DateTimeOffset at, ShadowTick tick)
    {
        if (_known.Add((deviceId, tick.Tick)))
        {
            _rows.Add(Stored(new ReportedTick(_rows.Count + 1, deviceId, hardwareClass, at, tick)));
        }
    }

    public IEnumerable<ReportedTick> After(long id) => _rows.Skip((int)id);
}
