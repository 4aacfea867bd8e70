namespace EdgeFleet.Measurement.Meters;

/// <summary>What the newest count meant.</summary>
internal enum CounterStep
{
    /// <summary>Added (the first one adds nothing).</summary>
    Added,
    /// <summary>Too long after the last to know how often it wrapped, or more than can have flowed: counting goes on from here.</summary>
    Gap,
    /// <summary>It went back, and nobody says where it wraps: counting goes on from here.</summary>
    Backwards,
}

/// <summary>Energy since the beginning out of one counter that wraps. Each counter has its own range, so each its own of these.</summary>
/// <param name="joulesPerCount">One step.</param>
/// <param name="range">What is added when it wraps; null or 0 where the hardware does not say.</param>
/// <param name="mostWatts">More cannot flow: bounds how soon it may wrap, and what a step may be.</param>
internal sealed class EnergyCounter(double joulesPerCount, ulong? range, double mostWatts, long frequency)
{
    /// <summary>Energy that may show up at once: counters are updated late.</summary>
    private const double SlackSeconds = 1;
    private ulong _last;
    private long _lastTicks;
    private bool _begun;
    private long _counts;

    public double Joules => _counts * joulesPerCount;

    /// <summary>When the count last changed (or was first read).</summary>
    public long MovedTicks { get; private set; }

    /// <param name="negative">The energy flows the other way: it is taken off.</param>
    public CounterStep Next(ulong count, long ticks, bool negative = false)
    {
        double seconds = (ticks - _lastTicks) / (double)frequency;
        (bool first, ulong last, long lastTicks) = (!_begun, _last, _lastTicks);
        if (first || count != last)
        {
            MovedTicks = ticks;
        }
        (_begun, _last, _lastTicks) = (true, count, ticks);
        if (first)
        {
            return CounterStep.Added;
        }
        if (range is > 0 and { } known && seconds > known * joulesPerCount / mostWatts / 2)
        {
            return CounterStep.Gap;
        }
        ulong step;
        if (count >= last)
        {
            step = count - last;
        }
        else if (range is > 0 and { } wrap && last <= wrap)
        {
            step = count + (wrap - last);
        }
        else
        {
            return CounterStep.Backwards;
        }
        if (step * joulesPerCount > mostWatts * (seconds + SlackSeconds))
        {
            return CounterStep.Gap;
        }
        _counts += negative ? -(long)step : (long)step;
        return CounterStep.Added;
    }

    /// <summary>What flows until the next count is not known: it only sets where to go on from.</summary>
    public void Restart() => _begun = false;
}
