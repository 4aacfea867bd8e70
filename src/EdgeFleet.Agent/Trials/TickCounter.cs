using System.Diagnostics;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Counts one tick after the other. What leaves the device are these numbers, never an input. Thresholds of slow requests, small
/// slices and answers without a label go on to the next tick, but not to the next process.
/// </summary>
internal sealed class TickCounter
{
    private static readonly double s_microsPerTick = 1e6 / Stopwatch.Frequency;
    private readonly List<double> _logRatios = [];
    private readonly List<double> _baselineMicros = [];
    private readonly List<double> _candidateMicros = [];
    private readonly SortedDictionary<string, int> _dropped = new(StringComparer.Ordinal);
    private double _noiseLogRatioSum;
    private int _pairs;
    private int _disagreements;
    private int _noisePairs;
    private int _noiseDisagreements;
    private int _nonFinite;
    private int _wrongShape;
    private int _failures;
    private double? _taxLogRatio;
    private bool _taxed;
    private readonly LatencyCounter _baselineLatency = new();
    private readonly LatencyCounter _candidateLatency = new();
    private readonly TailCounter[] _tails;
    private readonly AnswerHistogram _baselineAnswers = new();
    private readonly AnswerHistogram _candidateAnswers = new();
    private readonly AnswerHistogram _noiseAnswers = new();
    private readonly SliceCounter _slices;
    private readonly LabelCounter _labels = new();
    private readonly LabelBook _book;

    public TickCounter(double latencyP95Margin, double latencyP99Margin, SliceList slices, TimeProvider time)
    {
        _tails = [new TailCounter(0.95, latencyP95Margin), new TailCounter(0.99, latencyP99Margin)];
        _slices = new SliceCounter(slices);
        _book = new LabelBook(AddLabels, _labels.Drop, time);
    }

    /// <summary>Durations of the pairs mean something.</summary>
    public bool Timed { get; set; } = true;

    /// <summary>One input that both models ran on.</summary>
    /// <param name="outcome">What it showed.</param>
    /// <param name="id">What its application calls the request; null where it has no name.</param>
    /// <param name="slices">For each slice of the job in order, which of its values the request carried; -1 for none.</param>
    public void Add(PairOutcome outcome, string? id = null, IReadOnlyList<int>? slices = null)
    {
        switch (outcome.State)
        {
            case PairState.BaselineFailed:
                Drop(DropReasons.BaselineFailed, 1);
                break;
            case PairState.CandidateFailed:
                _failures++;
                break;
            default:
                _pairs++;
                if (Timed)
                {
                    _logRatios.Add(LogRatio(outcome));
                    AddLatencies(Micros(outcome.BaselineTicks), Micros(outcome.CandidateTicks));
                }
                _disagreements += outcome.Disagrees ? 1 : 0;
                _nonFinite += outcome.NonFinite ? 1 : 0;
                _wrongShape += outcome.WrongShape ? 1 : 0;
                _slices.AddPair(slices ?? [], outcome.Disagrees);
                AddAnswers(outcome, id, slices ?? []);
                break;
        }
    }

    /// <summary>A label that an application posted for a request of any tick.</summary>
    public void AddLabel(PostedLabel label) => _book.Take(label);

    /// <summary>Labels that the runner had no room for.</summary>
    public void DropLabels(string reason, int count) => _labels.Drop(reason, count);

    /// <summary>A baseline that was compared with itself; the coin says which of the two runs counts as the candidate.</summary>
    public void AddNoise(PairOutcome outcome, bool swap)
    {
        if (outcome.State != PairState.Compared)
        {
            Drop(DropReasons.BaselineFailed, 1);
            return;
        }
        _noisePairs++;
        _noiseDisagreements += outcome.Disagrees ? 1 : 0;
        _noiseLogRatioSum += swap ? -LogRatio(outcome) : LogRatio(outcome);
        if (outcome.Candidate is { } again)
        {
            _noiseAnswers.Add(again);
        }
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
        _book.Expire();
        TailExceedances[] tails = [.. _tails.Select(tail => tail.Finish()).OfType<TailExceedances>()];
        double[] ratios = Sorted(_logRatios), baseline = Sorted(_baselineMicros), candidate = Sorted(_candidateMicros);
        ShadowTick finished = new()
        {
            Tick = tick,
            StartedAt = startedAt,
            DurationMs = (int)duration.TotalMilliseconds,
            Pairs = _pairs,
            Disagreements = _disagreements,
            NoisePairs = _noisePairs,
            NoiseDisagreements = _noiseDisagreements,
            MeanLogLatencyRatio = ratios.Length > 0 ? ratios.Average() : null,
            MedianLogLatencyRatio = ratios.Length > 0 ? (ratios[(ratios.Length - 1) / 2] + ratios[ratios.Length / 2]) / 2 : null,
            LatencyAbsent = Timed ? null : LatencyAbsence.Memory,
            NoiseMeanLogLatencyRatio = Timed && _noisePairs > 0 ? _noiseLogRatioSum / _noisePairs : null,
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
            BaselineLatency = _baselineLatency.Finish(),
            CandidateLatency = _candidateLatency.Finish(),
            Tails = tails.Length > 0 ? tails : null,
            Labels = _labels.Finish(),
            BaselineScores = _baselineAnswers.Scores,
            CandidateScores = _candidateAnswers.Scores,
            NoiseScores = _noiseAnswers.Scores,
            BaselineTop1 = _baselineAnswers.Top1,
            CandidateTop1 = _candidateAnswers.Top1,
            NoiseTop1 = _noiseAnswers.Top1,
            Slices = _slices.Finish(),
        };
        Clear();
        return finished;
    }

    private void AddLatencies(double baseline, double candidate)
    {
        _baselineMicros.Add(baseline);
        _candidateMicros.Add(candidate);
        _baselineLatency.Add(baseline);
        _candidateLatency.Add(candidate);
        foreach (TailCounter tail in _tails)
        {
            tail.Observe(baseline, candidate);
        }
    }

    private void AddAnswers(PairOutcome outcome, string? id, IReadOnlyList<int> slices)
    {
        if (outcome is not { Baseline: { } baseline, Candidate: { } candidate })
        {
            return;
        }
        _baselineAnswers.Add(baseline);
        _candidateAnswers.Add(candidate);
        if (id is not null && baseline.Top1.Count == candidate.Top1.Count && baseline.Classes == candidate.Classes)
        {
            _book.Keep(new KeptAnswers(id, baseline, candidate, slices));
        }
    }

    private void AddLabels(KeptAnswers answers, PostedLabel label)
    {
        for (int row = 0; row < label.Classes.Count; row++)
        {
            int known = label.Classes[row];
            _labels.Add(answers.Baseline, answers.Candidate, row, known);
            _slices.AddLabel(answers.Slices, answers.Baseline.Top1[row] == known, answers.Candidate.Top1[row] == known);
        }
    }

    private void Clear()
    {
        _logRatios.Clear();
        _baselineMicros.Clear();
        _candidateMicros.Clear();
        _dropped.Clear();
        _baselineAnswers.Clear();
        _candidateAnswers.Clear();
        _noiseAnswers.Clear();
        _noiseLogRatioSum = 0;
        (_taxLogRatio, _taxed) = (null, false);
        (_pairs, _disagreements, _noisePairs, _noiseDisagreements, _nonFinite, _wrongShape, _failures) = (0, 0, 0, 0, 0, 0, 0);
    }

    /// <summary>Never zero: a duration below the clock's step is one step.</summary>
    private static double Micros(long ticks) => Math.Max(ticks, 1) * s_microsPerTick;

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
