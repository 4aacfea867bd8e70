using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EdgeFleet.Inference;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>
/// Times one prepared call again and again into memory that was taken before. Nothing in a window allocates: a collection in
/// the middle of a cell would be charged to whichever model runs. The input is put in place before the clock is read.
/// </summary>
internal sealed class CellLoop(int capacity = CellLoop.Capacity)
{
    /// <summary>The most samples of a cell: 256 KiB of results.</summary>
    public const int Capacity = 1 << 15;

    /// <summary>A window at an offered rate ends so long after its last arrival, whatever still waits.</summary>
    private static readonly long s_longestBehind = 3 * Stopwatch.Frequency;

    private static readonly double s_nanosPerTick = 1e9 / Stopwatch.Frequency;
    private readonly double[] _nanos = new double[capacity];

    /// <summary>Time per inference of each sample in nanoseconds, in the order measured.</summary>
    public ReadOnlySpan<double> Nanos => _nanos.AsSpan(0, Samples);

    public int Samples { get; private set; }

    public long Inferences { get; private set; }

    /// <summary>Inferences that were meant to start at an offered rate and still waited when the window was ended.</summary>
    public int Unserved { get; private set; }

    public long BeginTicks { get; private set; }

    public long EndTicks { get; private set; }

    /// <summary>The first inference after the switch, in nanoseconds: what refilling the caches costs, and nobody's latency.</summary>
    public double FirstNanos { get; private set; }

    /// <summary>Runs what comes before the window: the discarded inferences, then the lead.</summary>
    public void LeadIn(PreparedCall call, InputFeed feed, CellRequest cell)
    {
        FirstNanos = 0;
        for (int i = 0; i < cell.Discard; i++)
        {
            feed.Put(cell.FirstInput + i);
            long start = Stopwatch.GetTimestamp();
            call.Invoke();
            if (i == 0)
            {
                FirstNanos = (Stopwatch.GetTimestamp() - start) * s_nanosPerTick;
            }
        }
        Load(call, feed, cell);
    }

    /// <summary>The window: one sample after the other until the time is over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Window(PreparedCall call, InputFeed feed, CellRequest cell)
    {
        int most = Math.Min(cell.MaximumSamples, _nanos.Length);
        int batch = Math.Max(cell.Batch, 1);
        int count = 0;
        long number = cell.FirstInput;
        long begin = Stopwatch.GetTimestamp();
        long end = begin;
        while (count < most && (end - begin < cell.DurationTicks || count < cell.MinimumSamples))
        {
            feed.Put(number++);
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < batch; i++)
            {
                call.Invoke();
            }
            end = Stopwatch.GetTimestamp();
            _nanos[count++] = (end - start) * s_nanosPerTick / batch;
        }
        (BeginTicks, EndTicks, Samples, Inferences, Unserved) = (begin, end, count, (long)count * batch, 0);
    }

    /// <summary>
    /// The window at an offered rate: starts are drawn (Poisson) before anything runs, and latency counts from when an
    /// inference was meant to start, so that a slow one is charged for those that it made wait.
    /// </summary>
    public void OfferedWindow(PreparedCall call, InputFeed feed, CellRequest cell, Span<long> starts)
    {
        long begin = Stopwatch.GetTimestamp();
        int count = 0;
        // Above what the model can answer the queue grows without end, and so would this window.
        for (; count < starts.Length && Stopwatch.GetTimestamp() - begin < cell.DurationTicks + s_longestBehind; count++)
        {
            long meant = begin + starts[count];
            while (Stopwatch.GetTimestamp() < meant)
            {
                // Sleeping is too coarse for arrivals that lie microseconds apart; this burns the core.
                Thread.SpinWait(8);
            }
            feed.Put(cell.FirstInput + count);
            call.Invoke();
            EndTicks = Stopwatch.GetTimestamp();
            _nanos[count] = (EndTicks - meant) * s_nanosPerTick;
        }
        (BeginTicks, Samples, Inferences, Unserved) = (begin, count, count, starts.Length - count);
    }

    /// <summary>Keeps the load up after the window for as long as before it.</summary>
    public static void LeadOut(PreparedCall call, InputFeed feed, CellRequest cell) => Load(call, feed, cell);

    public byte[] NanosAsBytes() => MemoryMarshal.AsBytes(Nanos).ToArray();

    private static void Load(PreparedCall call, InputFeed feed, CellRequest cell)
    {
        long begin = Stopwatch.GetTimestamp();
        for (long number = cell.FirstInput; Stopwatch.GetTimestamp() - begin < cell.LeadTicks; number++)
        {
            feed.Put(number);
            call.Invoke();
        }
    }
}
