using EdgeFleet.Core;

namespace EdgeFleet.Agent.Applications;

/// <summary>
/// What applications last said of their models. Two processes may speak of one model for a moment, the old and the new, and of
/// two digests: what is said of each digest is kept apart, and what several processes counted of one is added up.
/// </summary>
internal sealed class HealthBoard(TimeProvider time)
{
    private const int DigestsKept = 4;
    private const int InstancesKept = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Told>> _models = new(StringComparer.Ordinal);

    public void Take(string model, Digest digest, HealthReport report)
    {
        lock (_gate)
        {
            List<Told> all = Of(model);
            Told? told = all.Find(known => known.Digest == digest);
            if (told is null)
            {
                if (all.Count == DigestsKept)
                {
                    all.Remove(all.MinBy(known => known.HeardAt)!);
                }
                all.Add(told = new Told(digest));
            }
            told.Take(report, time);
        }
    }

    /// <summary>The counts of a digest begin anew: it is about to be loaded.</summary>
    public void Forget(string model, Digest digest)
    {
        lock (_gate)
        {
            Of(model).RemoveAll(known => known.Digest == digest);
        }
    }

    public HealthTotals? Find(string model, Digest digest)
    {
        lock (_gate)
        {
            return Of(model).Find(known => known.Digest == digest)?.Totals();
        }
    }

    /// <summary>What was heard of last.</summary>
    public HealthTotals? Newest(string model)
    {
        lock (_gate)
        {
            return Of(model).MaxBy(known => known.HeardAt)?.Totals();
        }
    }

    private List<Told> Of(string model) => _models.TryGetValue(model, out List<Told>? all) ? all : _models[model] = [];

    private sealed class Told(Digest digest)
    {
        private readonly OrderedDictionary<string, HealthReport> _instances = new(StringComparer.Ordinal);
        private HealthReport _ended = new();
        private HealthReport _last = new();
        private DateTimeOffset _startedAt;

        public Digest Digest => digest;

        public long HeardAt { get; private set; }

        public void Take(HealthReport report, TimeProvider time)
        {
            string instance = report.Instance ?? "";
            bool known = _instances.TryGetValue(instance, out HealthReport? before);
            // Counts of one process never go down: a process without a name of its own is another then.
            bool another = !known || report.Requests < before!.Requests;
            if (another)
            {
                _startedAt = time.GetUtcNow();
                if (known)
                {
                    _ended = Add(_ended, before!);
                }
                else if (_instances.Count == InstancesKept)
                {
                    _ended = Add(_ended, _instances.GetAt(0).Value);
                    _instances.RemoveAt(0);
                }
            }
            _instances[instance] = _last = report;
            HeardAt = time.GetTimestamp();
        }

        public HealthTotals Totals()
        {
            HealthReport all = _instances.Values.Aggregate(_ended, Add);
            return new HealthTotals(
                digest, HeardAt, _startedAt, all.Requests ?? 0, all.Errors ?? 0, all.Outputs, all.NonFinite ?? 0, _last.LatencyMicros?.P50 ?? 0, _last.LatencyMicros?.P95 ?? 0);
        }

        private static HealthReport Add(HealthReport left, HealthReport right) => new()
        {
            Requests = (left.Requests ?? 0) + (right.Requests ?? 0),
            Errors = (left.Errors ?? 0) + (right.Errors ?? 0),
            Outputs = left.Outputs is null && right.Outputs is null ? null : (left.Outputs ?? 0) + (right.Outputs ?? 0),
            NonFinite = (left.NonFinite ?? 0) + (right.NonFinite ?? 0),
        };
    }
}

/// <param name="HeardAt">A timestamp of the agent's clock.</param>
/// <param name="StartedAt">When the newest process was heard of first.</param>
internal sealed record HealthTotals(
    Digest Digest, long HeardAt, DateTimeOffset StartedAt, long Requests, long Errors, long? Outputs, long NonFinite, double P50Micros, double P95Micros);
