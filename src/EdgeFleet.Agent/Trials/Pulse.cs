namespace EdgeFleet.Agent.Trials;

/// <summary>Says when something that is done now and then is due: at once, and then once in each interval.</summary>
internal sealed class Pulse(TimeSpan interval, TimeProvider time)
{
    private long? _last;

    public bool Due()
    {
        if (_last is { } last && time.GetElapsedTime(last) < interval)
        {
            return false;
        }
        _last = time.GetTimestamp();
        return true;
    }

    /// <summary>There is more to do.</summary>
    public void Again() => _last = null;
}
