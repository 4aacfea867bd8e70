using System.Diagnostics;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Trials;

/// <summary>Counts one tick. What leaves the device are these numbers, never an input.</summary>
internal sealed class TickCounter
{
    private static readonly double s_microsPerTick = 1e6 / Stopwatch.Frequency;
    private readonly List<double> _logRatios = [];
    private readonly List<double> _baselineMicros = [];
    private readonly List<double> _candidateMicros = [];
    private readonly SortedDictionary<string, int> _dropped = new(StringComparer.Ordinal);
    private double _noiseLogRatioSum;
    private int _disagreements;
    private int _noisePairs;
    private int _noiseDisagreements;
    private int _nonFinite;
    private int _wrongShape;
    private int _failures;
    private double? _taxLogRatio;
    private bool _taxed;

    public void Add(PairOutcome outcome)
    {
        switch (outcome.State)
        {
            case PairState.BaselineFailed:
                Drop("baselineFailed", 1);
                break;
            case PairState.CandidateFailed:
                _failures++;
                break;
            default:
                _logRatios.Add(LogRatio(outcome));
                _baselineMicros.Add(outcome.BaselineTicks * s_microsPerTick);
                _candidateMicros.Add(outcome.CandidateTicks * s_microsPerTick);
                _disagreements += outcome.Disagrees ? 1 : 0;
                _nonFinite += outcome.NonFinite ? 1 : 0;
                _wrongShape += outcome.WrongShape ? 1 : 0;
                break;
        }
    }

    /// <summary>A baseline that was compared with itself; the coin says which of the two runs counts as the candidate.</summary>
    public void AddNoise(PairOutcome outcome, bool swap)
    {
        if (outcome.State != PairState.Compared)
        {
            Drop("baselineFailed", 1);
            return;
        }
        _noisePairs++;
        _noiseDisagreements += outcome.Disagrees ? 1 : 0;
        _noiseLogRatioSum += swap ? -LogRatio(outcome) : LogRatio(outcome);
    }

    /// <summary>The newest measurement of what the shadow costs the served model.</summary>
    public void Tax(double? logRatio) => _taxLogRatio = logRatio ?? _taxLogRatio;

    /// <summary>The shadow was stopped because it costs too much.</summary>
    public void Rest() => _taxed = true;

    public void Drop(string reason, int count)
    {
        if (count > 0)
        {
            _dropped[reason] = _dropped.GetValueOrDefault(reason) + count;
        }
    }

    /// <summary>The tick as it is reported; the counter begins anew.</summary>
    public ShadowTick Finish(long tick, DateTimeOffset startedAt, TimeSpan duration, long peakBytes, bool outOfMemory)
    {
        double[] ratios = Sorted(_logRatios), baseline = Sorted(_baselineMicros), candidate = Sorted(_candidateMicros);
        ShadowTick finished = new()
        {
            Tick = tick,
            StartedAt = startedAt,
            DurationMs = (int)duration.TotalMilliseconds,
            Pairs = ratios.Length,
            Disagreements = _disagreements,
            NoisePairs = _noisePairs,
            NoiseDisagreements = _noiseDisagreements,
            MeanLogLatencyRatio = ratios.Length > 0 ? ratios.Average() : null,
            MedianLogLatencyRatio = ratios.Length > 0 ? (ratios[(ratios.Length - 1) / 2] + ratios[ratios.Length / 2]) / 2 : null,
            NoiseMeanLogLatencyRatio = _noisePairs > 0 ? _noiseLogRatioSum / _noisePairs : null,
            BaselineP50Micros = At(baseline, 0.50),
            CandidateP50Micros = At(candidate, 0.50),
            BaselineP95Micros = At(baseline, 0.95),
            CandidateP95Micros = At(candidate, 0.95),
            CandidateNonFinite = _nonFinite,
            CandidateWrongShape = _wrongShape,
            CandidateFailures = _failures,
            CandidatePeakBytes = peakBytes,
            OutOfMemory = outOfMemory,
            TaxLogRatio = _taxLogRatio,
            Taxed = _taxed,
            Dropped = new Dictionary<string, int>(_dropped),
        };
        Clear();
        return finished;
    }

    private void Clear()
    {
        _logRatios.Clear();
        _baselineMicros.Clear();
        _candidateMicros.Clear();
        _dropped.Clear();
        _noiseLogRatioSum = 0;
        (_taxLogRatio, _taxed) = (null, false);
        (_disagreements, _noisePairs, _noiseDisagreements, _nonFinite, _wrongShape, _failures) = (0, 0, 0, 0, 0, 0);
    }

    private static double LogRatio(PairOutcome outcome) => Math.Log((double)Math.Max(outcome.CandidateTicks, 1) / Math.Max(outcome.BaselineTicks, 1));

    private static double[] Sorted(List<double> values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted;
    }

    private static double? At(double[] sorted, double share) =>
        sorted.Length == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
}
