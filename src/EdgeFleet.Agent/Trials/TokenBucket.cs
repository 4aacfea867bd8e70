namespace EdgeFleet.Agent.Trials;

/// <summary>At most so many a second on average, with a short burst allowed.</summary>
internal sealed class TokenBucket
{
    private readonly double _perSecond;
    private readonly double _burst;
    private readonly TimeProvider _time;
    private double _tokens;
    private long _last;

    public TokenBucket(double perSecond, TimeProvider time)
    {
        (_perSecond, _time) = (perSecond, time);
        _burst = Math.Max(1, perSecond);
        _tokens = _burst;
        _last = time.GetTimestamp();
    }

    public bool TryTake()
    {
        long now = _time.GetTimestamp();
        _tokens = Math.Min(_burst, _tokens + (_time.GetElapsedTime(_last, now).TotalSeconds * _perSecond));
        _last = now;
        if (_tokens < 1)
        {
            return false;
        }
        _tokens--;
        return true;
    }
}
