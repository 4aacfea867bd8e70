using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>One metric of one device of a census, on its own ticks in their order.</summary>
public sealed record CensusSeries
{
    public required TickSeries Harm { get; init; }

    public required BettingState Promotion { get; init; }

    /// <summary>What the next promotion bet has gathered so far.</summary>
    public CensusWindow Window { get; init; }

    internal static CensusSeries Start(IMetricScale scale) =>
        new() { Harm = TickSeries.Start(scale.HarmNull), Promotion = BettingEProcess.StartPromotion(scale.PromotionNull) };

    internal CensusSeries With(IMetricScale scale, GateTick tick, GateRules rules)
    {
        (CensusWindow window, double? bet) = scale.Asked.Gates ? scale.OfCensus(Window, tick) : default;
        return new CensusSeries
        {
            Harm = scale.OfTick(tick) is { } observed ? Harm.With(observed, rules) : Harm,
            Promotion = bet is { } value ? BettingEProcess.Observe(Promotion, value) : Promotion,
            Window = window,
        };
    }
}
