using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>What one decision says besides the next state.</summary>
internal sealed class DecisionLog(DateTimeOffset now)
{
    private readonly List<RolloutEvent> _events = [];
    private readonly List<StoredVerdict> _verdicts = [];
    private readonly SortedDictionary<string, GateVerdict> _current = new(StringComparer.Ordinal);

    public DateTimeOffset Now => now;

    public IReadOnlyList<RolloutEvent> Events => _events;

    public IReadOnlyList<StoredVerdict> Verdicts => _verdicts;

    public IReadOnlyList<GateVerdict> Latest => [.. _current.Values];

    public void Event(string hardwareClass, string kind, string message) => _events.Add(new RolloutEvent(now, hardwareClass, kind, message));

    public void Verdict(StoredVerdict verdict) => _verdicts.Add(verdict);

    public void Current(GateVerdict verdict) => _current[verdict.HardwareClass] = verdict;
}
