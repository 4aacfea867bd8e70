namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>
/// When to look for a lost chip again: at once, and then once a second. Looking walks the tree, which ten times a second
/// would cost more than the meter.
/// </summary>
internal sealed class Retry(TimeProvider time)
{
    private long? _last;

    public bool IsDue()
    {
        long now = time.GetTimestamp();
        if (_last is { } last && now - last < time.TimestampFrequency)
        {
            return false;
        }
        _last = now;
        return true;
    }
}
