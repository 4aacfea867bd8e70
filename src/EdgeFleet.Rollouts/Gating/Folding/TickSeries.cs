using System.Collections.Immutable;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// One metric over ticks in their order. A bet on a tick takes the ones before it for granted; where neighbours turn out to move
/// together, twice as many ticks are joined for each bet from there on, and what had been won until then is given up: money that is
/// thrown away makes no evidence, so the error rates stand.
/// </summary>
public sealed record TickSeries
{
    // Correlation of fewer bets is mostly chance.
    private const int FewestBets = 20;

    public required BettingState State { get; init; }

    /// <summary>Of the bets with the present length.</summary>
    public SeriesMoments Moments { get; init; }

    /// <summary>Ticks that are joined for a bet.</summary>
    public int Joined { get; init; } = 1;

    /// <summary>Ticks of a bet that is not complete, and the sum of what they said.</summary>
    public int PendingTicks { get; init; }
    public double PendingSum { get; init; }

    internal static TickSeries Start(double harmNull) => new() { State = BettingEProcess.StartHarm(harmNull) };

    internal TickSeries With(double observation, GateRules rules)
    {
        int pending = PendingTicks + 1;
        double sum = PendingSum + observation;
        if (pending < Joined)
        {
            return this with { PendingTicks = pending, PendingSum = sum };
        }
        double bet = Math.Min(sum / pending, 1);
        TickSeries next = this with { State = BettingEProcess.Observe(State, bet), Moments = Moments.With(bet), PendingTicks = 0, PendingSum = 0 };
        return Joined < rules.LongestJoin && next.Moments.Autocorrelation(FewestBets) > rules.LargestAutocorrelation + (2 / Math.Sqrt(next.Moments.Count))
            ? next.Lengthened() : next;
    }

    internal TickSeries With(IEnumerable<double> observations, GateRules rules)
    {
        TickSeries series = this;
        foreach (double observation in observations)
        {
            series = series.With(observation, rules);
        }
        return series;
    }

    private TickSeries Lengthened()
    {
        double kept = Math.Min(State.LogE, 0);
        return this with
        {
            State = State with { LogWealth = [.. Enumerable.Repeat(kept, State.LogWealth.Length)] },
            Moments = default,
            Joined = 2 * Joined,
        };
    }
}
