namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Counts what a resting shadow does not see. It takes no samples then, so they are computed from what the runner says it has
/// answered meanwhile.
/// </summary>
internal sealed class RestLedger(int everyNth)
{
    private (DateTimeOffset Since, LogLatency Latency)? _last;
    private long _uncounted;

    public bool Began { get; private set; }

    /// <param name="served">What the model has answered since its activation; null while the runner does not say.</param>
    public void Begin((DateTimeOffset Since, LogLatency Latency)? served) => (Began, _last, _uncounted) = (true, served, 0);

    /// <summary>Samples that were not taken since the last call.</summary>
    public int Missed((DateTimeOffset Since, LogLatency Latency)? served)
    {
        if (served is { } now && _last is { } last && now.Since == last.Since)
        {
            _uncounted += Math.Max(0, now.Latency.Count - last.Latency.Count);
        }
        _last = served;
        (long missed, _uncounted) = Math.DivRem(_uncounted, everyNth);
        return (int)Math.Min(missed, int.MaxValue);
    }

    /// <summary>The shadow looks itself again.</summary>
    public void Stop() => Began = false;
}
