namespace Grpc.Core.Wire;

/// <summary>
/// Calls back once when a deadline has passed. Timers take at most 49 days, so a far deadline is approached in steps.
/// </summary>
internal sealed class DeadlineTimer : IDisposable
{
    private static readonly TimeSpan s_longestStep = TimeSpan.FromDays(1);

    private readonly DateTime _deadline;
    private readonly TimeProvider _time;
    private readonly Action _expired;
    private readonly ITimer _timer;

    public DeadlineTimer(DateTime deadline, TimeProvider time, Action expired)
    {
        _deadline = deadline;
        _time = time;
        _expired = expired;
        _timer = time.CreateTimer(static state => ((DeadlineTimer)state!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm();
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        if (_deadline <= _time.GetUtcNow().UtcDateTime)
        {
            _expired();
        }
        else
        {
            Arm();
        }
    }

    private void Arm()
    {
        TimeSpan left = _deadline - _time.GetUtcNow().UtcDateTime;

        // Timers count whole milliseconds: rounding up keeps the tick from coming just before the deadline.
        double ms = Math.Clamp(Math.Ceiling(left.TotalMilliseconds), 0, s_longestStep.TotalMilliseconds);
        _timer.Change(TimeSpan.FromMilliseconds(ms), Timeout.InfiniteTimeSpan);
    }
}
