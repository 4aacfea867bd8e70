namespace EdgeFleet.Controller.Tests.Support;

/// <summary>A clock that stands still until a test moves it. Timers are the system's.</summary>
internal sealed class ManualTime(DateTimeOffset now) : TimeProvider
{
    private long _ticks = now.UtcTicks;

    public ManualTime()
        : this(TimeProvider.System.GetUtcNow())
    {
    }

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);
}
