using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One tick of one device, the part that the gate reads.</summary>
public sealed record GateTick
{
    public required long Tick { get; init; }
    public int Pairs { get; init; }
    public int Disagreements { get; init; }
    public int NoisePairs { get; init; }
    public int NoiseDisagreements { get; init; }
    public double? MedianLogLatencyRatio { get; init; }
    public double? NoiseMeanLogLatencyRatio { get; init; }

    /// <summary>Pairs that differ in whether they exceed the threshold of the 95th percentile; null where there is no threshold yet.</summary>
    public TailPairs? P95 { get; init; }

    /// <summary>The same of the 99th.</summary>
    public TailPairs? P99 { get; init; }

    /// <summary>Latencies of the pairs; null from a device that does not send them.</summary>
    public LatencyBins? BaselineLatency { get; init; }
    public LatencyBins? CandidateLatency { get; init; }

    /// <summary>What labels said that came in this tick.</summary>
    public LabelPairs? Labels { get; init; }

    /// <summary>By request parameter; null where the device tells none.</summary>
    public IReadOnlyList<SliceCounts>? Slices { get; init; }

    /// <summary>Requests of both arms; null where the candidate answers none.</summary>
    public RequestArms? Arms { get; init; }

    /// <summary>What was answered; null from a device that does not tell it.</summary>
    public AnswerCounts? Answers { get; init; }

    public static GateTick From(ShadowTick tick) => new()
    {
        Tick = tick.Tick,
        Pairs = tick.Pairs,
        Disagreements = tick.Disagreements,
        NoisePairs = tick.NoisePairs,
        NoiseDisagreements = tick.NoiseDisagreements,
        MedianLogLatencyRatio = tick.Pairs > 0 ? Finite(tick.MedianLogLatencyRatio) : null,
        NoiseMeanLogLatencyRatio = tick.NoisePairs > 0 ? Finite(tick.NoiseMeanLogLatencyRatio) : null,
        P95 = Tail(tick, 0.95),
        P99 = Tail(tick, 0.99),
        BaselineLatency = tick.CandidateLatency is null ? null : tick.BaselineLatency,
        CandidateLatency = tick.BaselineLatency is null ? null : tick.CandidateLatency,
        Slices = tick.Slices,
        Arms = tick.Arms,
        Answers = tick.BaselineTop1 is null && tick.BaselineScores is null ? null : new AnswerCounts
        {
            BaselineScores = Long(tick.BaselineScores),
            CandidateScores = Long(tick.CandidateScores),
            NoiseScores = Long(tick.NoiseScores),
            BaselineTop1 = Long(tick.BaselineTop1),
            CandidateTop1 = Long(tick.CandidateTop1),
            NoiseTop1 = Long(tick.NoiseTop1),
        },
        Labels = tick.Labels is { } labels ? LabelPairs.From(labels) : null,
    };

    private static TailPairs? Tail(ShadowTick tick, double quantile) =>
        tick.Tails?.FirstOrDefault(tail => tail.Quantile.Equals(quantile)) is { } tail ? new TailPairs(tail.Worse, tail.Better) : null;

    private static IReadOnlyList<long> Long(IReadOnlyList<int>? counts) => counts is null ? [] : [.. counts.Select(count => (long)count)];

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? v : null;
}

/// <summary>Pairs in which only one of the two exceeded a threshold.</summary>
/// <param name="Worse">Only the candidate.</param>
/// <param name="Better">Only the baseline.</param>
public readonly record struct TailPairs(int Worse, int Better);

/// <summary>Answers to labelled rows.</summary>
/// <param name="Rows">All of them.</param>
/// <param name="Lost">The baseline was right and the candidate is wrong.</param>
/// <param name="Gained">The other way round.</param>
/// <param name="BrierSum">Candidate's less baseline's Brier score, each in [0, 1], in whole numbers of 2^-30.</param>
/// <param name="BrierRows">Rows with scores of both.</param>
public readonly record struct LabelPairs(long Rows, long Lost, long Gained, long BrierSum, long BrierRows)
{
    private const double One = 1073741824.0;

    /// <summary>Mean difference of the Brier scores; null without any.</summary>
    public double? BrierDifference => BrierRows == 0 ? null : Math.Clamp(BrierSum / One / BrierRows, -1, 1);

    internal static LabelPairs From(LabelCounts labels) => new(
        (long)labels.BothRight + labels.BothWrong + labels.Lost + labels.Gained, labels.Lost, labels.Gained,
        (long)Math.Round(labels.BrierDifferenceSum * One), labels.BrierCount);

    public static LabelPairs operator +(LabelPairs left, LabelPairs right) => new(
        left.Rows + right.Rows, left.Lost + right.Lost, left.Gained + right.Gained, left.BrierSum + right.BrierSum, left.BrierRows + right.BrierRows);
}
