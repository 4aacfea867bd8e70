namespace EdgeFleet.Controller.Enrollment;

/// <summary>At most so many alarms a minute; the rest is only logged and counted.</summary>
internal sealed class AlarmLimit(TimeProvider time, int perMinute = 30)
{
    private readonly Lock _lock = new();
    private long _minute;
    private int _taken;

    public bool TryTake()
    {
        lock (_lock)
        {
            long minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
            if (minute != _minute)
            {
                (_minute, _taken) = (minute, 0);
            }
            return _taken++ < perMinute;
        }
    }
}
