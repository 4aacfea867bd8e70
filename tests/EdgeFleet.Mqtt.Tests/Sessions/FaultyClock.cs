using EdgeFleet.Testing.Time;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>
/// A clock whose next look fails when armed: each loop of a link looks at it, so it stands for a bug of our own in any of them.
/// </summary>
internal sealed class FaultyClock(ManualTimeProvider inner) : TimeProvider
{
    private Exception? _fault;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public void Arm(Exception fault) => Volatile.Write(ref _fault, fault);

    public override long GetTimestamp() => Interlocked.Exchange(ref _fault, null) is { } fault ? throw fault : inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
}
