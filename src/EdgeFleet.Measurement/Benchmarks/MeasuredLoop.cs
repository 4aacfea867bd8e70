using System.Diagnostics;
using EdgeFleet.Inference;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Times one prepared call again and again into memory that was taken before. Nothing in <see cref="Run"/> allocates: a
/// collection in the middle of a cell would be charged to whichever model runs.
/// </summary>
internal sealed class MeasuredLoop
{
    private const int MinimumInferences = 3;
    private readonly long[] _ticks;

    public MeasuredLoop(int capacity) => _ticks = new long[capacity];

    /// <summary>What the last run measured, in <see cref="Stopwatch"/> ticks, in order.</summary>
    public ReadOnlySpan<long> Ticks => _ticks.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>Runs for a time, or until the memory for results is full; at least a few inferences.</summary>
    /// <param name="call">The model, with its inputs filled.</param>
    /// <param name="discard">Inferences that come first and are not kept: the other model's data is still in the caches.</param>
    /// <param name="duration">In Stopwatch ticks, from after the discarded ones.</param>
    public void Run(PreparedCall call, int discard, long duration)
    {
        for (int i = 0; i < discard; i++)
        {
            call.Invoke();
        }
        int count = 0;
        long begin = Stopwatch.GetTimestamp();
        long start = begin;
        while (count < _ticks.Length && (start - begin < duration || count < MinimumInferences))
        {
            call.Invoke();
            long end = Stopwatch.GetTimestamp();
            _ticks[count++] = end - start;
            start = end;
        }
        Count = count;
    }
}
