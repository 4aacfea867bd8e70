using System.Collections.Immutable;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// The ticks of a class as the rollback question needs them: those that reports may still come for, added up one by one, and all
/// before them as what was bet on them. Its size depends on neither how many there were nor how many devices sent them.
/// </summary>
public sealed record ClassTicks
{
    /// <summary>Ticks that nothing is taken into any more, in the order of the metrics.</summary>
    public required ImmutableArray<TickSeries> Closed { get; init; }

    /// <summary>Ascending.</summary>
    public required IReadOnlyList<TickSum> Open { get; init; }

    /// <summary>By their key; empty where the policy names none.</summary>
    public IReadOnlyList<SliceTotal> Slices { get; init => field = value ?? []; } = [];

    /// <summary>Answers of all ticks.</summary>
    public AnswerCounts Answers { get; init => field = value ?? AnswerCounts.None; } = AnswerCounts.None;

    /// <summary>Latencies of all ticks, for people: a quantile of a class is no mean of its devices'.</summary>
    public LatencyPair Latency { get; init; }

    /// <summary>Requests of all ticks; null before the candidate was to answer any.</summary>
    public ArmTotals? Arms { get; init; }

    /// <summary>Ticks that claimed to be ahead of what the time allows, and were not taken in.</summary>
    public long Ahead { get; init; }
}
