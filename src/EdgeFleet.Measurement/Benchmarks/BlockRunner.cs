using System.Diagnostics;
using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Warms both models up and measures block after block.</summary>
internal sealed class BlockRunner
{
    private const int CellsPerBlock = 4;
    /// <summary>After a switch the other model's weights are in the caches; these inferences refill them.</summary>
    private const int DiscardedAfterSwitch = 3;
    private const int SamplesPerCell = 1 << 15;
    private const int WarmUpWindows = 10;
    private const int SteadyWindows = 3;
    private const double SteadyWithin = 0.03;

    private readonly BenchJob _job;
    private readonly PreparedCall? _baseline;
    private readonly PreparedCall _candidate;
    private readonly SeededCoin _coin;
    private readonly MeasuredLoop _loop = new(SamplesPerCell);
    private readonly long[] _first = new long[2 * SamplesPerCell];
    private readonly long[] _second = new long[2 * SamplesPerCell];
    private readonly List<double> _logRatios = [];

    public BlockRunner(BenchJob job, PreparedCall? baseline, PreparedCall candidate)
    {
        (_job, _baseline, _candidate) = (job, baseline, candidate);
        _coin = new SeededCoin(job.Seed);
    }

    public LatencyLog Baseline { get; } = new();

    public LatencyLog Candidate { get; } = new();

    public IReadOnlyList<double> LogRatios => _logRatios;

    public int Kept { get; private set; }

    public int Discarded { get; private set; }

    /// <summary>
    /// Runs both in turns until the last windows of each agree, for at least the asked time and at most three times as long.
    /// </summary>
    /// <returns>Whether they agreed.</returns>
    public bool WarmUp(CancellationToken cancellationToken)
    {
        long window = Ticks(Math.Max(_job.WarmUpMs, 1)) / WarmUpWindows / (_baseline is null ? 1 : 2);
        List<double> baseline = [], candidate = [];
        for (int i = 0; i < 3 * WarmUpWindows; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_baseline is not null)
            {
                baseline.Add(Window(_baseline, window));
            }
            candidate.Add(Window(_candidate, window));
            if (i + 1 >= WarmUpWindows && IsSteady(candidate) && (_baseline is null || IsSteady(baseline)))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Measures the asked number of blocks; a block that the machine disturbed is measured again, half as many at most.</summary>
    public void Measure(IProgress<BenchProgress>? progress, CancellationToken cancellationToken)
    {
        int extra = _job.Blocks / 2;
        while (Kept < _job.Blocks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int baselineBefore = Baseline.Count, candidateBefore = Candidate.Count;
            Disturbances before = Disturbances.Read();
            double logRatio = MeasureBlock(candidateFirst: _coin.Flip());
            if (Disturbances.Read() != before && Discarded < extra)
            {
                Discarded++;
                Baseline.Truncate(baselineBefore);
                Candidate.Truncate(candidateBefore);
                continue;
            }
            Kept++;
            if (_baseline is not null)
            {
                _logRatios.Add(logRatio);
            }
            progress?.Report(new BenchProgress("measuring", (double)Kept / _job.Blocks));
        }
    }

    /// <summary>One block, ABBA or BAAB; with one model alone, its four cells in a row.</summary>
    private double MeasureBlock(bool candidateFirst)
    {
        PreparedCall first = candidateFirst ? _candidate : _baseline ?? _candidate;
        PreparedCall second = candidateFirst ? _baseline ?? _candidate : _candidate;
        int inFirst = 0, inSecond = 0;
        inFirst += Cell(first, _first.AsSpan());
        inSecond += Cell(second, _second.AsSpan());
        inSecond += Cell(second, _second.AsSpan(inSecond));
        inFirst += Cell(first, _first.AsSpan(inFirst));

        LogOf(first).Add(_first.AsSpan(0, inFirst));
        LogOf(second).Add(_second.AsSpan(0, inSecond));
        double ratio = LatencyLog.Median(_second.AsSpan(0, inSecond)) / LatencyLog.Median(_first.AsSpan(0, inFirst));
        return candidateFirst ? -Math.Log(ratio) : Math.Log(ratio);
    }

    private LatencyLog LogOf(PreparedCall call) => call == _candidate ? Candidate : Baseline;

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

    /// <summary>
    /// Causes for which a block does not count, whatever it measured: pages came from disk, or the collector ran.
    /// Never the value itself: dropping slow blocks would make every model fast.
    /// </summary>
    private readonly record struct Disturbances(long MajorFaults, int Collections)
    {
        public static Disturbances Read()
        {
            // Collections first: the text of the file is garbage of ours.
            int collections = GC.CollectionCount(0);
            return new Disturbances(ReadMajorFaults(), collections);
        }

        private static long ReadMajorFaults()
        {
            // proc(5): the name may hold spaces and brackets; fields are counted after the last one. majflt is field 12.
            string? stat = SystemRoot.Host.ReadText("/proc/self/stat");
            string[] fields = stat is null ? [] : stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return fields.Length > 9 && long.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out long faults) ? faults : 0;
        }
    }
}
