using System.Globalization;

namespace EdgeFleet.Core.Evidence;

/// <summary>What a tick has to fulfil before anything is computed from it: its sender may be broken or hostile.</summary>
public static class ShadowTickChecks
{
    /// <summary>Counts of one tick; sums of 100,000 ticks stay exact.</summary>
    private const long MaximumCount = 1L << 31;
    private const int MaximumReasons = 32;
    /// <summary>Bins of 1e-9 microseconds to 1e12; beyond that no duration lies, and powers overflow.</summary>
    private const int MaximumBin = 1500;

    /// <summary>The first thing that cannot be, in words; null where all is well.</summary>
    public static string? FirstProblem(this ShadowTick tick) =>
        Of(tick)
        ?? Of("baselineLatency", tick.BaselineLatency)
        ?? Of("candidateLatency", tick.CandidateLatency)
        ?? Of(tick.Tails)
        ?? Of(tick.Labels)
        ?? Counts("baselineScores", tick.BaselineScores, ShadowTick.ScoreBins, exactly: true)
        ?? Counts("candidateScores", tick.CandidateScores, ShadowTick.ScoreBins, exactly: true)
        ?? Counts("noiseScores", tick.NoiseScores, ShadowTick.ScoreBins, exactly: true)
        ?? Counts("baselineTop1", tick.BaselineTop1, ShadowTick.Top1Classes, exactly: false)
        ?? Counts("candidateTop1", tick.CandidateTop1, ShadowTick.Top1Classes, exactly: false)
        ?? Counts("noiseTop1", tick.NoiseTop1, ShadowTick.Top1Classes, exactly: false)
        ?? Of(tick.Slices)
        ?? Of(tick.Arms);

    private static string? Of(ShadowTick tick) =>
        tick.Tick < 0 || tick.Pairs < 0 || tick.Disagreements < 0 || tick.Disagreements > tick.Pairs ? $"{tick.Disagreements} disagreements in {tick.Pairs} pairs"
        : tick.LatencyAbsent is { Length: > 64 } ? $"latencyAbsent has {tick.LatencyAbsent.Length} characters"
        : Reasons("dropped", tick.Dropped);

    private static string? Of(string what, LatencyBins? bins)
    {
        if (bins is null)
        {
            return null;
        }
        if (bins.Index is null || bins.Count is null || bins.Index.Count != bins.Count.Count || bins.Index.Count > LatencyBins.Maximum)
        {
            return $"{what}: {bins.Index?.Count} bins with {bins.Count?.Count} counts; at most {LatencyBins.Maximum} of each, and as many";
        }
        for (int i = 0; i < bins.Index.Count; i++)
        {
            if (Math.Abs((long)bins.Index[i]) > MaximumBin || (i > 0 && bins.Index[i] <= bins.Index[i - 1]) || bins.Count[i] is < 1 or > MaximumCount)
            {
                return $"{what}: bin {bins.Index[i]} with {bins.Count[i]} values";
            }
        }
        return null;
    }

    private static string? Of(IReadOnlyList<TailExceedances>? tails)
    {
        if (tails is null)
        {
            return null;
        }
        TailExceedances? wrong = tails.FirstOrDefault(tail =>
            tail is null or not { Quantile: 0.95 or 0.99, Worse: >= 0, Better: >= 0, Margin: >= 0 } || !double.IsFinite(tail.Margin)
            || !(tail.ThresholdMicros > 0) || !double.IsFinite(tail.ThresholdMicros) || (long)tail.Worse + tail.Better > tail.Pairs);
        return tails.Count <= 2 && tails.DistinctBy(tail => tail?.Quantile).Count() == tails.Count && tails.All(tail => tail is not null) && wrong is null
            ? null
            : Invariant($"tails: {tails.Count}, the first that cannot be: {wrong}");
    }

    private static string? Of(LabelCounts? labels)
    {
        if (labels is null)
        {
            return null;
        }
        bool counts = labels is { BothRight: >= 0, BothWrong: >= 0, Lost: >= 0, Gained: >= 0, BrierCount: >= 0 };
        long rows = (long)labels.BothRight + labels.BothWrong + labels.Lost + labels.Gained;
        // One difference lies in [-1, 1].
        return !counts || labels.BrierCount > rows || !(Math.Abs(labels.BrierDifferenceSum) <= labels.BrierCount)
            ? Invariant($"labels: {labels.BrierCount} of {rows} rows have a Brier difference, {labels.BrierDifferenceSum} in all")
            : Of("labels.baselineCalibration", labels.BaselineCalibration)
              ?? Of("labels.candidateCalibration", labels.CandidateCalibration)
              ?? Reasons("labels.dropped", labels.Dropped);
    }

    private static string? Of(string what, CalibrationBins? bins)
    {
        if (bins is null)
        {
            return null;
        }
        if (Counts($"{what}.count", bins.Count, ShadowTick.ScoreBins, exactly: true) is { } count)
        {
            return count;
        }
        if (Counts($"{what}.right", bins.Right, ShadowTick.ScoreBins, exactly: true) is { } right)
        {
            return right;
        }
        if (bins.Confidence is not { Count: ShadowTick.ScoreBins })
        {
            return $"{what}.confidence: {bins.Confidence?.Count} places; expected {ShadowTick.ScoreBins}";
        }
        for (int i = 0; i < ShadowTick.ScoreBins; i++)
        {
            if (bins.Right[i] > bins.Count[i] || !(bins.Confidence[i] >= 0 && bins.Confidence[i] <= bins.Count[i]))
            {
                return Invariant($"{what}: bin {i} has {bins.Count[i]} rows, {bins.Right[i]} right, confidence {bins.Confidence[i]}");
            }
        }
        return null;
    }

    private static string? Of(IReadOnlyList<SliceCounts>? slices)
    {
        if (slices is null)
        {
            return null;
        }
        SliceCounts? wrong = slices.FirstOrDefault(slice =>
            slice is null or not { Pairs: >= 0, Disagreements: >= 0, Lost: >= 0, Gained: >= 0 } || slice.Disagreements > slice.Pairs
            || (long)slice.Lost + slice.Gained > slice.Labelled || !SliceList.IsWord(slice.Name) || !SliceList.IsWord(slice.Value));
        return slices.Count <= SliceCounts.Maximum && slices.All(slice => slice is not null) && wrong is null
            ? null
            : $"slices: {slices.Count} (at most {SliceCounts.Maximum}), the first that cannot be: {wrong}";
    }

    private static string? Of(RequestArms? arms) =>
        arms is null ? null
        : arms is { Percent: >= 0 and <= 100 } && IsArm(arms.Baseline) && IsArm(arms.Candidate) ? null
        : Invariant($"arms: {arms.Percent} %, {arms.Baseline?.Requests} requests of the baseline and {arms.Candidate?.Requests} of the candidate");

    private static bool IsArm(ArmCounts? arm) =>
        arm is { Requests: >= 0 and <= MaximumCount, Failures: >= 0, NonFinite: >= 0, WrongShape: >= 0, Timed: >= 0 }
        && double.IsFinite(arm.LogMicros) && double.IsFinite(arm.LogMicrosSquares);

    private static string? Counts(string what, IReadOnlyList<int>? counts, int places, bool exactly) =>
        counts is null ? null
        : counts.Count > places || (exactly && counts.Count < places) ? $"{what}: {counts.Count} places; expected {(exactly ? "" : "at most ")}{places}"
        : counts.Any(count => count < 0) ? $"{what}: a count is below 0"
        : null;

    private static string? Reasons(string what, IReadOnlyDictionary<string, int> reasons) =>
        reasons.Count > MaximumReasons || reasons.Any(reason => reason.Value < 0 || reason.Key.Length > 64)
            ? $"{what}: {reasons.Count} reasons; at most {MaximumReasons}, each of 64 characters and with a count of at least 0"
            : null;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
