using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Warms both models up and measures block after block, with new sessions as often as their loading allows.</summary>
internal sealed class BlockRunner
{
    private const int CellsPerBlock = 4;
    /// <summary>After a switch the other model's weights are in the caches; these inferences refill them.</summary>
    private const int DiscardedAfterSwitch = 3;
    private const int SamplesPerCell = 1 << 15;
    private const int WarmUpWindows = 10;
    private const int SteadyWindows = 3;
    private const double SteadyWithin = 0.03;
    /// <summary>Six values are the fewest that give a median an interval at 95 %.</summary>
    private const int FewestSessions = 6;
    /// <summary>Loading again and again may take this much of the time of the blocks.</summary>
    private const double LoadingShare = 0.5;

    private readonly BenchJob _job;
    private readonly InferenceOptions _options;
    private readonly SeededCoin _coin;
    private readonly MeasuredLoop _loop = new(SamplesPerCell);
    private readonly long[] _first = new long[2 * SamplesPerCell];
    private readonly long[] _second = new long[2 * SamplesPerCell];
    private readonly List<double> _logRatios = [];

    public BlockRunner(BenchJob job, InferenceOptions options)
    {
        (_job, _options) = (job, options);
        _coin = new SeededCoin(job.Seed);
    }

    public LatencyLog Baseline { get; } = new();

    public LatencyLog Candidate { get; } = new();

    /// <summary>One per pair of sessions: the median over its blocks. These are the independent values.</summary>
    public IReadOnlyList<double> LogRatios => _logRatios;

    public int Kept { get; private set; }

    public int Discarded { get; private set; }

    public int Sessions { get; private set; }

    /// <summary>
    /// Runs both in turns until the last windows of each agree, for at least the asked time and at most three times as long.
    /// </summary>
    /// <returns>Whether they agreed.</returns>
    public bool WarmUp(CancellationToken cancellationToken)
    {
        using SessionPair pair = new(_job, _options, _coin);
        long window = Ticks(Math.Max(_job.WarmUpMs, 1)) / WarmUpWindows / (pair.Baseline is null ? 1 : 2);
        List<double> baseline = [], candidate = [];
        for (int i = 0; i < 3 * WarmUpWindows; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (pair.Baseline is not null)
            {
                baseline.Add(Window(pair.Baseline, window));
            }
            candidate.Add(Window(pair.Candidate, window));
            if (i + 1 >= WarmUpWindows && IsSteady(candidate) && (pair.Baseline is null || IsSteady(baseline)))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>
    /// Measures the asked number of blocks, spread over as many pairs of sessions as their loading allows. A block that the
    /// machine disturbed is measured again, half as many at most.
    /// </summary>
    public void Measure(TimeSpan loadTime, IProgress<BenchProgress>? progress, CancellationToken cancellationToken)
    {
        double affordable = LoadingShare * _job.Blocks * _job.BlockMs / Math.Max(loadTime.TotalMilliseconds, 0.1);
        int sessions = Math.Min(_job.Blocks, Math.Max(FewestSessions, (int)affordable));
        List<double> blocks = [];
        for (Sessions = 0; Sessions < sessions; Sessions++)
        {
            // The blocks that are left are spread evenly over the sessions that are left.
            int target = _job.Blocks * (Sessions + 1) / sessions;
            using SessionPair pair = new(_job, _options, _coin);
            Settle(pair);
            blocks.Clear();
            while (Kept < target)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (TryMeasureBlock(pair) is { } logRatio)
                {
                    Kept++;
                    blocks.Add(logRatio);
                    progress?.Report(new BenchProgress("measuring", (double)Kept / _job.Blocks));
                }
            }
            if (pair.Baseline is not null)
            {
                blocks.Sort();
                _logRatios.Add((blocks[(blocks.Count - 1) / 2] + blocks[blocks.Count / 2]) / 2);
            }
        }
    }

    /// <summary>A new session's first inferences take memory from the system; they are nobody's latency.</summary>
    private void Settle(SessionPair pair)
    {
        long duration = Ticks(_job.BlockMs) / (2 * CellsPerBlock);
        if (pair.Baseline is not null)
        {
            _loop.Run(pair.Baseline, discard: 0, duration);
        }
        _loop.Run(pair.Candidate, discard: 0, duration);
    }

    /// <summary>One block, ABBA or BAAB; with one model alone, its four cells in a row. Null where it does not count.</summary>
    private double? TryMeasureBlock(SessionPair pair)
    {
        int baselineBefore = Baseline.Count, candidateBefore = Candidate.Count;
        Disturbances before = Disturbances.Read();
        bool candidateFirst = _coin.Flip();
        PreparedCall first = candidateFirst ? pair.Candidate : pair.Baseline ?? pair.Candidate;
        PreparedCall second = candidateFirst ? pair.Baseline ?? pair.Candidate : pair.Candidate;
        int inFirst = 0, inSecond = 0;
        inFirst += Cell(first, _first.AsSpan());
        inSecond += Cell(second, _second.AsSpan());
        inSecond += Cell(second, _second.AsSpan(inSecond));
        inFirst += Cell(first, _first.AsSpan(inFirst));

        LogOf(pair, first).Add(_first.AsSpan(0, inFirst));
        LogOf(pair, second).Add(_second.AsSpan(0, inSecond));
        double ratio = Math.Log(LatencyLog.Median(_second.AsSpan(0, inSecond)) / LatencyLog.Median(_first.AsSpan(0, inFirst)));
        if (Disturbances.Read() != before && Discarded < _job.Blocks / 2)
        {
            Discarded++;
            Baseline.Truncate(baselineBefore);
            Candidate.Truncate(candidateBefore);
            return null;
        }
        return candidateFirst ? -ratio : ratio;
    }

    private LatencyLog LogOf(SessionPair pair, PreparedCall call) => call == pair.Candidate ? Candidate : Baseline;

    private int Cell(PreparedCall call, Span<long> target)
    {
        _loop.Run(call, DiscardedAfterSwitch, Ticks(_job.BlockMs) / CellsPerBlock);
        _loop.Ticks.CopyTo(target);
        return _loop.Count;
    }

    private double Window(PreparedCall call, long duration)
    {
        _loop.Run(call, discard: 0, duration);
        long[] ticks = _loop.Ticks.ToArray();
        return LatencyLog.Median(ticks);
    }

    private static bool IsSteady(List<double> medians)
    {
        double least = double.MaxValue, most = 0;
        for (int i = medians.Count - SteadyWindows; i < medians.Count; i++)
        {
            least = Math.Min(least, medians[i]);
            most = Math.Max(most, medians[i]);
        }
        return most <= least * (1 + SteadyWithin);
    }

    private static long Ticks(int milliseconds) => Stopwatch.Frequency * milliseconds / 1000;
}
