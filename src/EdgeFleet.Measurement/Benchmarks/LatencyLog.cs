using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>One model's latencies over all cells.</summary>
internal sealed class LatencyLog
{
    private static readonly double s_microsPerTick = 1e6 / Stopwatch.Frequency;
    private readonly List<long> _ticks = [];

    public void Add(ReadOnlySpan<long> ticks) => _ticks.AddRange(ticks);

    /// <summary>Takes back what a discarded block added.</summary>
    public void Truncate(int count) => CollectionsMarshal.SetCount(_ticks, count);

    public int Count => _ticks.Count;

    /// <summary>Nearest-rank percentiles.</summary>
    public LatencySummary Summarise()
    {
        long[] sorted = [.. _ticks];
        Array.Sort(sorted);
        return new LatencySummary(
            sorted.Length,
            At(sorted, 0.50),
            At(sorted, 0.90),
            At(sorted, 0.95),
            At(sorted, 0.99),
            sorted.Length == 0 ? 0 : sorted.Average() * s_microsPerTick);
    }

    public static double Median(Span<long> ticks)
    {
        ticks.Sort();
        int middle = ticks.Length / 2;
        return ticks.Length % 2 == 1 ? ticks[middle] : (ticks[middle - 1] + ticks[middle]) / 2.0;
    }

    private static double At(long[] sorted, double share) =>
        sorted.Length == 0 ? 0 : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)] * s_microsPerTick;
}
