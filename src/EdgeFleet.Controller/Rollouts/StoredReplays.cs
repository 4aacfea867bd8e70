using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>Adds up again the stored reports of one rollout, class by class in the order of its verdicts.</summary>
internal sealed class StoredReplays(string rolloutId)
{
    private readonly Dictionary<string, (Replay Replay, LastSession Log)> _classes = new(StringComparer.Ordinal);

    /// <summary>Whether the reports come to what the verdict rests on; null where nothing can be compared.</summary>
    public bool? Same(GateInput input, ReadSession session)
    {
        string key = $"{input.Attempt}/{input.HardwareClass}";
        if (!_classes.TryGetValue(key, out (Replay Replay, LastSession Log) known))
        {
            LastSession log = new();
            _classes[key] = known = (new Replay(log), log);
        }
        known.Log.Ticks = new StoredTicks(session, rolloutId, input.Attempt);
        return known.Replay.Same(input);
    }

    private sealed class LastSession : ITickLog
    {
        public ITickLog Ticks { get; set; } = NoTicks.Instance;

        public IEnumerable<ReportedTick> After(long id) => Ticks.After(id);
    }
}
