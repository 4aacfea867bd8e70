namespace EdgeFleet.Agent.Tests.Support;

/// <summary>
/// A clock on which every wait of up to an hour is over at once, and moves it on by as much. Longer ones never end: they
/// belong to watches that a test does not want.
/// </summary>
internal sealed class ImpatientTime(DateTimeOffset start) : TimeProvider
{
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);
    private readonly Lock _gate = new();
    private TimeSpan _passed;

    public ImpatientTime() : this(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero))
    {
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => start + Passed;

    public override long GetTimestamp() => Passed.Ticks;

    private TimeSpan Passed
    {
        get { lock (_gate) { return _passed; } }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer(this, callback, state, dueTime);

    private void Pass(TimeSpan time)
    {
        lock (_gate)
        {
            _passed += time;
        }
    }

    private sealed class Timer : ITimer
    {
        private readonly ImpatientTime _clock;
        private readonly TimerCallback _callback;
        private readonly object? _state;
        private int _version;

        public Timer(ImpatientTime clock, TimerCallback callback, object? state, TimeSpan dueTime)
        {
            _clock = clock;
            _callback = callback;
            _state = state;
            Change(dueTime, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            int version = Interlocked.Increment(ref _version);
            if (dueTime != Timeout.InfiniteTimeSpan && dueTime <= s_longest)
            {
                ThreadPool.QueueUserWorkItem(_ =>
                {
                    if (Volatile.Read(ref _version) == version)
                    {
                        _clock.Pass(dueTime);
                        _callback(_state);
                    }
                });
            }
            return true;
        }

        public void Dispose() => Interlocked.Increment(ref _version);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
