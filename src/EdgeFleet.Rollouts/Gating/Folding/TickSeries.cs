using System.Collections.Immutable;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// One metric over ticks in their order. A bet on a tick takes the ones before it for granted; where neighbours turn out to move
/// together, as many ticks are joined for each bet from there on as it takes for the joined ones not to, and what had been won until
/// then is given up: money that is thrown away makes no evidence, so the error rates stand. What looked so by chance is bet on tick by
/// tick again.
/// </summary>
public sealed record TickSeries
{
    // Correlation of fewer ticks is mostly chance.
    private const int FewestTicks = 12;

    public required BettingState State { get; init; }

    /// <summary>Of the single ticks.</summary>
    public SeriesMoments Moments { get; init; }

    /// <summary>Ticks that are joined for a bet, a power of two.</summary>
    public int Joined { get; init; } = 1;

    /// <summary>Ticks of a bet that is not complete, and the sum of what they said.</summary>
    public int PendingTicks { get; init; }
    public double PendingSum { get; init; }

    /// <summary>Starts a test of "mean at most <paramref name="harmNull"/>".</summary>
    public static TickSeries Start(double harmNull) => new() { State = BettingEProcess.StartHarm(harmNull) };

    /// <summary>One more tick, in [0, 1].</summary>
    public TickSeries With(double observation, GateRules rules)
    {
        // Decided by what was there before this tick: to drop a bet because of its own outcome would be a choice among outcomes.
        int needed = Needed(Moments, rules);
        TickSeries before = needed > Joined ? Lengthened(needed) : needed < Joined && PendingTicks == 0 ? this with { Joined = needed } : this;
        SeriesMoments moments = Moments.With(observation);
        int pending = before.PendingTicks + 1;
        double sum = before.PendingSum + observation;
        return pending < before.Joined
            ? before with { Moments = moments, PendingTicks = pending, PendingSum = sum }
            : before with { State = BettingEProcess.Observe(before.State, Math.Min(sum / pending, 1)), Moments = moments, PendingTicks = 0, PendingSum = 0 };
    }

    /// <summary>More ticks, in their order.</summary>
    public TickSeries With(IEnumerable<double> observations, GateRules rules)
    {
        TickSeries series = this;
        foreach (double observation in observations)
        {
            series = series.With(observation, rules);
        }
        return series;
    }

    private TickSeries Lengthened(int ticks) => this with
    {
        State = State with { LogWealth = [.. Enumerable.Repeat(Math.Min(State.LogE, 0), State.LogWealth.Length)] },
        Joined = ticks,
        PendingTicks = 0,
        PendingSum = 0,
    };

    private static int Needed(SeriesMoments moments, GateRules rules)
    {
        if (moments.Autocorrelation(FewestTicks) is not { } correlation || correlation <= rules.LargestAutocorrelation + (1 / Math.Sqrt(moments.Count)))
        {
            return 1;
        }
        // Correlation r^k of ticks k apart: sums of n neighbouring ones are correlated by r (1 - r^n)^2 / (n (1 - r^2) - 2 r (1 - r^n)).
        double r = Math.Min(correlation, 0.999), power = r;
        int length = 1;
        for (; length < rules.LongestJoin; length *= 2, power *= power)
        {
            if (r * (1 - power) * (1 - power) / ((length * (1 - (r * r))) - (2 * r * (1 - power))) is var joined && length > 1 && joined <= rules.LargestAutocorrelation)
            {
                break;
            }
        }
        return length;
    }
}
