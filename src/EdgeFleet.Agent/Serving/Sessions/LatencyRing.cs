using System.Diagnostics;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>The last latencies of a model. Writers only add; a reader copies, so a summary may miss the newest few.</summary>
internal sealed class LatencyRing
{
    private const int Capacity = 1024;
    private static readonly double s_microsPerTick = 1e6 / Stopwatch.Frequency;
    private readonly float[] _micros = new float[Capacity];
    private long _added;

    public void Add(long ticks)
    {
        long index = Interlocked.Increment(ref _added) - 1;
        _micros[index % Capacity] = (float)(ticks * s_microsPerTick);
    }

    public Control.LatencyMicros Summarise()
    {
        int count = (int)Math.Min(Interlocked.Read(ref _added), Capacity);
        if (count == 0)
        {
            return new Control.LatencyMicros(0, 0, 0, 0);
        }
        float[] sorted = _micros[..count];
        Array.Sort(sorted);
        return new Control.LatencyMicros(count, At(sorted, 0.50), At(sorted, 0.95), At(sorted, 0.99));
    }

    /// <summary>The smallest value that at least this share of the values does not exceed.</summary>
    private static double At(float[] sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
}
