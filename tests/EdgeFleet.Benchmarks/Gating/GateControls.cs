using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>
/// What the gate's rules are for: each rule beside what happens without it. The halves without must fail, which also shows that
/// these simulations can see a fault.
/// </summary>
internal static class GateControls
{
    private const int Runs = 2000;
    private const int Ticks = 500;
    private const int Devices = 30;
    private const int ClassOf = 1000;

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        FleetNoise drift = new() { SecondSlot = 0.02 };
        FleetNoise moving = new() { EffectPhi = 0.8, EffectMovementSd = 0.05 };
        FleetNoise still = new();
        bool[] Many(string name, Func<Dice, bool> run, int runs = Runs) => Simulation.Runs(name, runs, run, cancellationToken);
        string harm = $"20 devices, {Ticks} ticks, harm exactly at the margin";
        string promotion = "the class is exactly at the margin";
        string hanging = $"{Devices} devices of a class of {ClassOf}, judged by the gate";
        return Task.FromResult<IReadOnlyList<BenchFigure>>(
        [
            Simulation.FalseAlarms("second inference 2 % slower: order by coin", Many("coin", d => HarmFalseAlarms.AtTheMargin(drift, Ticks, d)), harm),
            Simulation.MustFail("the same: baseline always first", Many("fixed order", d => HarmFalseAlarms.AtTheMargin(drift with { CoinOrder = false }, Ticks, d), 500), harm),
            Simulation.FalseAlarms("slow devices are harmed more: frozen order", Many("frozen order", d => InOrder(d, byCompletion: false)), promotion),
            Simulation.MustFail("the same: devices as they finish", Many("completion order", d => InOrder(d, byCompletion: true)), promotion),
            Simulation.FalseAlarms("a fifth hangs: silence is the worst value", Many("hang", d => Hanging(d, 0.2, completeOnly: false)), hanging),
            Simulation.MustFail("the same: complete cases only", Many("hang, complete", d => Hanging(d, 0.2, completeOnly: true)), hanging),
            Told("a tenth hangs: promoted, silence is the worst value", Many("hang 0.1", d => Hanging(d, 0.1, completeOnly: false)), hanging),
            Told("the same: complete cases only", Many("hang 0.1, complete", d => Hanging(d, 0.1, completeOnly: true)), hanging),
            Simulation.FalseAlarms("devices differ by 10 %: promoted by devices", Many("by devices", d => Pooled(d, Unit.Device)), promotion),
            Simulation.MustFail("the same: by ticks of 20 devices", Many("by ticks", d => Pooled(d, Unit.Tick)), promotion),
            Simulation.MustFail("the same: pooled inferences, t at each look", Many("by inferences", d => Pooled(d, Unit.Inference)), promotion),
            Simulation.FalseAlarms("effect moves for ticks: joined until uncorrelated", Many("joined", d => Moving(d, moving, join: true)), harm),
            Simulation.MustFail("the same: tick by tick", Many("not joined", d => Moving(d, moving, join: false)), harm),
            Told("ticks that do not: +15 % found within 40 ticks, as the gate joins", Many("joined, harmed", d => Moving(d, still, join: true, 1.15, 40)), "20 devices, margin 10 %"),
            Told("the same: tick by tick", Many("not joined, harmed", d => Moving(d, still, join: false, 1.15, 40)), "20 devices, margin 10 %"),
            Told("the same within 60 ticks, as the gate joins", Many("joined, harmed, 60", d => Moving(d, still, join: true, 1.15, 60)), "20 devices, margin 10 %"),
            .. Alone(0.02, "at the margin", Many),
            .. Alone(0.10, "5 times the margin", Many),
        ]);
    }

    /// <summary>
    /// A device of a census that disagrees on single inputs, and one that disagrees as often but on all inputs of some ticks: the cap
    /// of a promotion's bets makes the second look better than it is.
    /// </summary>
    private static IEnumerable<BenchFigure> Alone(double rate, string harm, Func<string, Func<Dice, bool>, int, bool[]> many)
    {
        const int pairs = 50, runs = 400;
        string source = $"a census of one device, the default policy, 200 ticks of {pairs} pairs, disagreement {rate:P0}, the gate itself every 5 ticks";
        foreach ((string kind, Func<Dice, Func<int>> answers) in ((string, Func<Dice, Func<int>>)[])
            [
                ("single inputs", dice => () => dice.Binomial(pairs, rate)),
                ("whole ticks", dice => () => dice.Chance(rate) ? pairs : 0),
            ])
        {
            foreach (GateDecision decision in (GateDecision[])[GateDecision.Promote, GateDecision.Rollback])
            {
                yield return Told($"alone, {harm}, on {kind}: {(decision == GateDecision.Promote ? "promoted" : "rolled back")}",
                    many($"alone {rate} {kind}", dice => GateBench.DecidesAlone(answers(dice), pairs) == decision, runs), source);
            }
        }
    }

    private static BenchFigure Told(string name, bool[] outcomes, string source) =>
        new(name, outcomes.Count(o => o) / (double)outcomes.Length, "share", null, true, source);

    /// <summary>Half of an endless class is harmed at twice the margin and slower to deliver its pairs for it.</summary>
    private static bool InOrder(Dice dice, bool byCompletion)
    {
        (double Unit, double Hours)[] devices = [.. Enumerable.Range(0, 60).Select(_ =>
        {
            bool harmed = dice.Flip();
            return (harmed ? 1.0 : 0.0, (harmed ? 2 : 1) * (1 + (0.3 * dice.Share())));
        })];
        return PromotionFalseAlarms.Promotes(LogRatioMap.NullMean, null, (byCompletion ? devices.OrderBy(d => d.Hours) : devices.AsEnumerable()).Select(d => d.Unit));
    }

    /// <summary>
    /// Perfect devices but for those that hang with the candidate, on the agreement of a class: the gate counts a device that hangs as
    /// the worst; complete cases are all that a dashboard has.
    /// </summary>
    private static bool Hanging(Dice dice, double share, bool completeOnly)
    {
        bool[] hangs = [.. Enumerable.Range(0, Devices).Select(_ => dice.Chance(share))];
        IEnumerable<bool> seen = completeOnly ? hangs.Where(hang => !hang) : hangs;
        return GateBench.PromotesAgreement([.. seen.Select((hang, d) => GateBench.AgreeingDevice(d, hang))], ClassOf);
    }

    private enum Unit
    {
        Device,
        Tick,
        Inference,
    }

    /// <summary>A class at the margin of which 20 devices were drawn: what they say together is about them, not about the class.</summary>
    private static bool Pooled(Dice dice, Unit unit)
    {
        const int devices = 20;
        SimulatedFleet fleet = new(new FleetNoise { Devices = devices, EffectSd = 0.1, CohortIsExact = false }, 1 + GateBench.Margin, dice);
        LogRatioMap map = GateBench.Map(GateBench.Calibrate(fleet, devices));
        double[] sums = new double[devices];
        NaiveT pooled = new();
        BettingState ticks = BettingEProcess.StartPromotion(LogRatioMap.NullMean);
        bool naive = false;
        for (int tick = 1; tick <= 100; tick++)
        {
            fleet.Tick();
            for (int d = 0; d < devices; d++)
            {
                sums[d] += fleet.LogRatios[d];
                pooled.Add(fleet.LogRatios[d]);
            }
            naive |= pooled.IsBelow(map.MarginLogRatio);
            ticks = BettingEProcess.Observe(ticks, HarmFalseAlarms.Unit(fleet, map));
        }
        return unit switch
        {
            Unit.Device => PromotionFalseAlarms.Promotes(LogRatioMap.NullMean, null, sums.Select(sum => map.ToUnit(sum / 100))),
            Unit.Tick => ticks.MaxLogE >= GateBench.Acts,
            _ => naive,
        };
    }

    /// <summary>An effect that wanders around the margin, as the gate bets on it: ticks joined while neighbours move together, or each by itself.</summary>
    private static bool Moving(Dice dice, FleetNoise noise, bool join, double ratio = 1 + GateBench.Margin, int ticks = Ticks)
    {
        SimulatedFleet fleet = new(noise, ratio, dice);
        LogRatioMap map = GateBench.Map(GateBench.Calibrate(fleet, noise.Devices));
        return TickSeries.Start(LogRatioMap.NullMean).With(HarmFalseAlarms.Units(fleet, map, ticks), join ? GateRules.Current : s_apart).MaxLogE >= GateBench.Acts;
    }

    private static readonly GateRules s_apart = new() { LongestJoin = 1 };
}
