namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>What happened since a digest was activated.</summary>
internal sealed class SessionCounters
{
    private long _requests;
    private long _failures;
    private long _rejected;
    private long _nonFinite;
    private long _wrongShape;

    public long Requests => Interlocked.Read(ref _requests);

    public long Failures => Interlocked.Read(ref _failures);

    public long Rejected => Interlocked.Read(ref _rejected);

    public long NonFinite => Interlocked.Read(ref _nonFinite);

    public long WrongShape => Interlocked.Read(ref _wrongShape);

    public LatencyRing Latency { get; } = new();

    public LogLatencyCounter LogLatency { get; } = new();

    public void AddRequest(long ticks)
    {
        Interlocked.Increment(ref _requests);
        Latency.Add(ticks);
        LogLatency.Add(ticks);
    }

    public void AddFailure()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _failures);
    }

    public void AddRejected()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _rejected);
    }

    public void AddNonFinite() => Interlocked.Increment(ref _nonFinite);

    public void AddWrongShape() => Interlocked.Increment(ref _wrongShape);
}
