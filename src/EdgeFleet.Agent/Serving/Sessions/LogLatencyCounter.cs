using System.Diagnostics;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>
/// Sums of the natural logarithm of all latencies, in microseconds: the difference of two readings describes the requests
/// between them. Fixed point, so that requests on many threads add without a lock.
/// </summary>
internal sealed class LogLatencyCounter
{
    private const double Scale = 1e6;
    private static readonly double s_microsPerTick = 1e6 / Stopwatch.Frequency;
    private long _count;
    private long _sum;
    private long _squares;

    public void Add(long ticks)
    {
        double log = Math.Log(Math.Max(ticks, 1) * s_microsPerTick);
        Interlocked.Add(ref _sum, (long)(log * Scale));
        Interlocked.Add(ref _squares, (long)(log * log * Scale));
        Interlocked.Increment(ref _count);
    }

    /// <summary>A request that is being added may be in one sum and not yet in another; over a window that is nothing.</summary>
    public Control.LogLatencySums Read() => new(Interlocked.Read(ref _count), Interlocked.Read(ref _sum) / Scale, Interlocked.Read(ref _squares) / Scale);
}
