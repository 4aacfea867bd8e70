namespace EdgeFleet.Agent.Devices;

/// <summary>
/// The time that deadlines are judged by: what the controller said last and what has passed since. A device that starts in
/// 1970 has no better, and its own clock decides nothing.
/// </summary>
internal sealed class FleetClock(TimeProvider time)
{
    private readonly Lock _gate = new();
    private DateTimeOffset? _told;
    private long _toldAt;

    public void Told(DateTimeOffset now)
    {
        lock (_gate)
        {
            _told = now;
            _toldAt = time.GetTimestamp();
        }
    }

    /// <summary>Null until the controller has said the time once in this process.</summary>
    public DateTimeOffset? Now
    {
        get
        {
            lock (_gate)
            {
                return _told is { } told ? told + time.GetElapsedTime(_toldAt) : null;
            }
        }
    }
}
