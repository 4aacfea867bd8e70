using System.Collections.Immutable;
using System.Text.Json.Serialization;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// One metric over ticks in their order: what was bet against "no harm". Harm may begin after days of none, when one long bet has
/// lost what no evidence brings back; so another one begins every hour of ticks with a share of the stake that was put aside for it.
/// Together they are one e-process: the shares add up to 1, and what is not bet yet is kept.
/// </summary>
/// <remarks>
/// A bet on a tick takes the ones before it for granted; where neighbours turn out to move together, as many ticks are joined for each
/// bet from there on as it takes for the joined ones not to, and what had been won until then is given up: money that is thrown away
/// makes no evidence, so the error rates stand. What looked so by chance is bet on tick by tick again.
/// </remarks>
public sealed record TickSeries
{
    // Correlation of fewer ticks is mostly chance. At first nothing else is known, so little has to do; and a change of level makes all
    // ticks look alike, so what is old enough is forgotten.
    private const int FewestTicks = 12;
    private const int StretchTicks = 64;

    private const double LargestExponent = 700;

    public required double HarmNull { get; init; }

    /// <summary>In the order in which they began; of many the strongest, for the weak no longer matter.</summary>
    public required ImmutableArray<HarmRun> Runs { get; init; }

    /// <summary>Runs that were begun, also those that are no longer kept.</summary>
    public int Begun { get; init; }

    /// <summary>Bets so far.</summary>
    public long Count { get; init; }

    /// <summary>Largest log E so far, from 0.</summary>
    public double MaxLogE { get; init; }

    /// <summary>Of the single ticks of the present stretch.</summary>
    public SeriesMoments Moments { get; init; }

    /// <summary>Of the stretch before it; nothing before there was one.</summary>
    public SeriesMoments Before { get; init; }

    /// <summary>Ticks that are joined for a bet, a power of two.</summary>
    public int Joined { get; init; } = 1;

    /// <summary>Ticks of a bet that is not complete, and the sum of what they said.</summary>
    public int PendingTicks { get; init; }
    public double PendingSum { get; init; }

    /// <summary>Natural logarithm of E.</summary>
    [JsonIgnore]
    public double LogE
    {
        get
        {
            double sum = KeptShare(Begun);
            double largest = 0;
            foreach (HarmRun run in Runs)
            {
                largest = Math.Max(largest, run.LogWealth);
            }
            sum *= PortableMath.Exp(-largest);
            foreach (HarmRun run in Runs)
            {
                sum += PortableMath.Exp(run.LogWealth - largest);
            }
            return largest + PortableMath.Log(sum);
        }
    }

    /// <summary>Correlation of neighbouring ticks; null with too few to tell.</summary>
    [JsonIgnore]
    public double? Autocorrelation => Moments.Autocorrelation() ?? Before.Autocorrelation();

    /// <summary>Starts a test of "mean at most <paramref name="harmNull"/>".</summary>
    public static TickSeries Start(double harmNull) => new() { HarmNull = harmNull, Runs = [] };

    /// <summary>One more tick, in [0, 1].</summary>
    public TickSeries With(double observation, GateRules rules)
    {
        // Decided by what was there before this tick: to drop a bet because of its own outcome would be a choice among outcomes.
        int needed = Needed(rules);
        TickSeries before = needed > Joined ? Lengthened(needed) : needed < Joined && PendingTicks == 0 ? this with { Joined = needed } : this;
        before = Moments.Count < StretchTicks ? before with { Moments = Moments.With(observation) }
            : before with { Before = Moments, Moments = default(SeriesMoments).With(observation) };
        int pending = before.PendingTicks + 1;
        double sum = before.PendingSum + observation;
        return pending < before.Joined
            ? before with { PendingTicks = pending, PendingSum = sum }
            : before.Bet(Math.Min(sum / pending, 1), rules) with { PendingTicks = 0, PendingSum = 0 };
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

    private TickSeries Bet(double observation, GateRules rules)
    {
        List<HarmRun> runs = [.. Runs];
        int begun = Begun;
        if (Count % rules.HarmRunBets == 0)
        {
            runs.Add(new HarmRun(PortableMath.Log(KeptShare(begun) - KeptShare(begun + 1)), BettingEProcess.StartHarm(HarmNull)));
            begun++;
            if (runs.Count > rules.HarmRuns)
            {
                // Never the newest: it has had no time. Whatever is dropped, the others are worth no more for it.
                runs.RemoveAt(Enumerable.Range(0, runs.Count - 1).MinBy(i => runs[i].LogWealth));
            }
        }
        TickSeries next = this with
        {
            Runs = [.. runs.Select(run => run with { State = BettingEProcess.Observe(run.State, observation) })],
            Begun = begun,
            Count = Count + 1,
        };
        // Mostly even the best bet of each run is too little for a new largest, and E need not be worked out.
        return next.Largest() > MaxLogE && next.LogE is var logE && logE > MaxLogE ? next with { MaxLogE = logE } : next;
    }

    // log E is never above this.
    private double Largest()
    {
        double sum = KeptShare(Begun);
        foreach (HarmRun run in Runs)
        {
            double best = run.State.LogWealth[0];
            foreach (double wealth in run.State.LogWealth)
            {
                best = Math.Max(best, wealth);
            }
            sum += PortableMath.Exp(Math.Min(run.LogShare + best, LargestExponent));
        }
        return PortableMath.Log(sum);
    }

    // What is put aside for later runs: a fifth at first, of which each run takes so much that there is always some for the next.
    private static double KeptShare(int begun) => begun == 0 ? 1 : 0.2 / begun;

    private TickSeries Lengthened(int ticks) => this with
    {
        Runs = [.. Runs.Select(run => run with { State = run.State with { LogWealth = [.. Enumerable.Repeat(Math.Min(run.State.LogE, 0), run.State.LogWealth.Length)] } })],
        Joined = ticks,
        PendingTicks = 0,
        PendingSum = 0,
    };

    private int Needed(GateRules rules) => Before.Count == 0
        ? Needed(Moments, FewestTicks, 1, rules)
        : Math.Max(Needed(Before, FewestTicks, 1.5, rules), Needed(Moments, StretchTicks / 2, 1.5, rules));

    private static int Needed(SeriesMoments moments, int fewest, double sure, GateRules rules)
    {
        if (moments.Autocorrelation(fewest) is not { } correlation || correlation <= rules.LargestAutocorrelation + (sure / Math.Sqrt(moments.Count)))
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

/// <summary>One of the bets of a series.</summary>
/// <param name="LogShare">log of its share of the stake.</param>
/// <param name="State">Since it began.</param>
public sealed record HarmRun(double LogShare, BettingState State)
{
    [JsonIgnore]
    internal double LogWealth => LogShare + State.LogE;
}
