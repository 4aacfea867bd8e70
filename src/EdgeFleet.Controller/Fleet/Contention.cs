namespace EdgeFleet.Controller.Fleet;

/// <summary>
/// Notices an identity that two agents use, as a copied state folder makes: each opens a stream, and so ends that of the other,
/// again and again. One that reconnects over a bad link ends its own old stream now and then, which is nothing.
/// </summary>
internal sealed class Contention(TimeProvider time)
{
    /// <summary>So many streams of one device that ended another one within <see cref="Window"/>.</summary>
    public const int Enough = 4;
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    /// <summary>Agents wait longer and longer between their tries; the sign stays a while.</summary>
    private static readonly TimeSpan s_stays = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_sayAgain = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Queue<DateTimeOffset> _ended = new(Enough);
    private DateTimeOffset? _seen;
    private DateTimeOffset? _said;

    public bool IsSeen
    {
        get
        {
            lock (_gate)
            {
                return _seen is { } seen && time.GetUtcNow() - seen < s_stays;
            }
        }
    }

    /// <summary>A stream was ended by another one of the same device. True when that has to be said: once an hour.</summary>
    public bool Note()
    {
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (_ended.Count == Enough)
            {
                _ended.Dequeue();
            }
            _ended.Enqueue(now);
            if (_ended.Count < Enough || now - _ended.Peek() > Window)
            {
                return false;
            }
            _seen = now;
            if (_said is { } said && now - said < s_sayAgain)
            {
                return false;
            }
            _said = now;
            return true;
        }
    }
}
