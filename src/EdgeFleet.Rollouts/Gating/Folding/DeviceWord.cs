using System.Collections.Immutable;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>What a device says for its class: the first ticks that reach the pairs asked of it. What it said does not change when more arrives.</summary>
public sealed record DeviceWord
{
    public long Pairs { get; init; }

    public long Disagreements { get; init; }

    /// <summary>Of its ticks; once it has said its word, their median alone.</summary>
    public ImmutableArray<double> LogLatencyRatios { get; init; } = [];

    internal DeviceFigures Figures => new(Pairs, Disagreements, BlockEstimator.Median(LogLatencyRatios)?.Median);

    internal DeviceWord With(GateTick tick, long enough)
    {
        if (Pairs >= enough)
        {
            return this;
        }
        DeviceWord next = new()
        {
            Pairs = Pairs + tick.Pairs,
            Disagreements = Disagreements + tick.Disagreements,
            LogLatencyRatios = tick is { Pairs: > 0, MedianLogLatencyRatio: { } ratio } ? LogLatencyRatios.Add(ratio) : LogLatencyRatios,
        };
        return next.Pairs >= enough && next.Figures.LogLatencyRatio is { } median ? next with { LogLatencyRatios = [median] } : next;
    }
}
