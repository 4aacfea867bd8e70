using System.Collections.Immutable;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>What the judged ticks of one device come to.</summary>
public sealed record DeviceEvidence
{
    /// <summary>Its newest tick, by its number in the class; null before the first.</summary>
    public long? NewestTick { get; init; }

    /// <summary>Of all ticks.</summary>
    public long Pairs { get; init; }

    public long Disagreements { get; init; }

    /// <summary>Sum of the ticks' median log latency ratios in whole numbers of 2^-32, and of how many ticks.</summary>
    public long LogLatencySum { get; init; }

    public long LatencyTicks { get; init; }

    /// <summary>Of all ticks.</summary>
    public LabelPairs Labels { get; init; }

    /// <summary>What it says for its class, in the order of the metrics that ask for it, without what still waits; empty in a census.</summary>
    public ImmutableArray<MetricWord> Words { get; init; } = [];

    /// <summary>In a census, in the order of the metrics, without what still waits; empty otherwise.</summary>
    public ImmutableArray<CensusSeries> Census { get; init; } = [];

    /// <summary>The newest ticks, ascending by the device's own numbers: one that was overtaken on its way may still come before them.</summary>
    public ImmutableArray<GateTick> Waiting { get; init; } = [];

    /// <summary>All of it, for people.</summary>
    internal DeviceFigures Figures => new(Pairs, Disagreements, LatencyTicks == 0 ? null : FixedPoint.Mean(LogLatencySum, LatencyTicks), Labels, default);

    /// <summary>With what still waits, as if no other came before it.</summary>
    internal IReadOnlyList<MetricWord> SettledWords(GateScales scales) => Waiting.IsEmpty ? Words :
    [
        .. Words.Select((word, i) =>
        {
            foreach (GateTick tick in Waiting)
            {
                word = word.Said is null ? scales.Guardrails[i].Say(word, tick) : word;
            }
            return word;
        }),
    ];

    /// <summary>With what still waits, as if no other came before it.</summary>
    internal IReadOnlyList<CensusSeries> SettledCensus(GateScales scales) => Waiting.IsEmpty ? Census :
    [
        .. Census.Select((series, i) =>
        {
            foreach (GateTick tick in Waiting)
            {
                series = series.With(scales.Metrics[i], tick, scales.Rules);
            }
            return series;
        }),
    ];
}
