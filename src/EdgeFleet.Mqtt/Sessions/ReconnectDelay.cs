namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// Full jitter: a uniformly random part of a bound that doubles with each failure in a row. A fleet that lost its broker at one
/// moment comes back spread over the whole bound.
/// </summary>
internal sealed class ReconnectDelay(TimeSpan first, TimeSpan maximum, Random random)
{
    private int _failures;

    public void Reset() => _failures = 0;

    /// <summary>In the upper half of the longest pause.</summary>
    public TimeSpan Longest() => maximum * (0.5 + (random.NextDouble() / 2));

    public TimeSpan Next()
    {
        double bound = Math.Min(maximum.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, 30)));
        _failures++;
        return TimeSpan.FromMilliseconds(random.NextDouble() * bound);
    }
}
