namespace EdgeFleet.Agent.Syncing;

/// <summary>
/// Full jitter: a uniformly random part of a span that doubles with each failure in a row. After an outage a fleet comes
/// back spread out instead of all at once.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    private int _failures;

    public TimeSpan Next()
    {
        double span = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, 30)));
        _failures++;
        return TimeSpan.FromMilliseconds(random.NextDouble() * span);
    }

    public void Reset() => _failures = 0;
}
