using EdgeFleet.Core.Evidence;
using EdgeFleet.Statistics.Labels;

namespace EdgeFleet.Agent.Trials;

/// <summary>What the labels of one tick said.</summary>
internal sealed class LabelCounter
{
    private readonly SortedDictionary<string, int> _dropped = new(StringComparer.Ordinal);
    private readonly Calibration _baseline = new();
    private readonly Calibration _candidate = new();
    private LabelledPairs _pairs;
    private double _brierDifference;
    private int _brierCount;

    /// <summary>One row whose class is known now.</summary>
    public void Add(AnswerRows baseline, AnswerRows candidate, int row, int label)
    {
        (bool baselineRight, bool candidateRight) = (baseline.Top1[row] == label, candidate.Top1[row] == label);
        _pairs = _pairs.With(baselineRight, candidateRight);
        if (baseline.HasScores && candidate.HasScores)
        {
            _brierDifference += Dyadic(candidate.Brier(row, label) - baseline.Brier(row, label));
            _brierCount++;
            _baseline.Add(baseline.Confidence(row), baselineRight);
            _candidate.Add(candidate.Confidence(row), candidateRight);
        }
    }

    public void Drop(string reason, int count)
    {
        if (count > 0)
        {
            _dropped[reason] = _dropped.GetValueOrDefault(reason) + count;
        }
    }

    /// <summary>The tick's counts, and begins anew; null where no label came.</summary>
    public LabelCounts? Finish()
    {
        if (_pairs.Count == 0 && _dropped.Count == 0)
        {
            return null;
        }
        LabelCounts counts = new()
        {
            BothRight = (int)_pairs.BothRight,
            BothWrong = (int)_pairs.BothWrong,
            Lost = (int)_pairs.Lost,
            Gained = (int)_pairs.Gained,
            BrierDifferenceSum = _brierDifference,
            BrierCount = _brierCount,
            BaselineCalibration = _brierCount > 0 ? _baseline.Finish() : null,
            CandidateCalibration = _brierCount > 0 ? _candidate.Finish() : null,
            Dropped = new Dictionary<string, int>(_dropped),
        };
        _dropped.Clear();
        (_pairs, _brierDifference, _brierCount) = (default, 0, 0);
        return counts;
    }

    /// <summary>A multiple of 2^-30: sums of millions of them are exact, in whatever order.</summary>
    private static double Dyadic(double value) => Math.Round(value * (1L << 30)) / (1L << 30);

    private sealed class Calibration
    {
        private readonly int[] _count = new int[ShadowTick.ScoreBins];
        private readonly int[] _right = new int[ShadowTick.ScoreBins];
        private readonly double[] _confidence = new double[ShadowTick.ScoreBins];

        public void Add(double confidence, bool right)
        {
            int bin = AnswerHistogram.BinOf(confidence);
            _count[bin]++;
            _right[bin] += right ? 1 : 0;
            _confidence[bin] += Dyadic(confidence);
        }

        public CalibrationBins Finish()
        {
            CalibrationBins bins = new([.. _count], [.. _right], [.. _confidence]);
            Array.Clear(_count);
            Array.Clear(_right);
            Array.Clear(_confidence);
            return bins;
        }
    }
}
