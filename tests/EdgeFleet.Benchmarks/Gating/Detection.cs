using System.Globalization;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Testing.Judges;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>
/// How soon harm is found, and how often none is invented, by the gate and by what others do on the same simulated data: 20
/// devices with the candidate, 20 others without it, 60 ticks. The others are written from their published behaviour.
/// </summary>
internal static class Detection
{
    private const int Runs = 1000;
    private const int Classes = 4000;
    private const int TailRuns = 400;
    private const int TailTicks = 300;
    private const int Ticks = 60;
    private const int RankTestEvery = 5;
    private const int CheckedDevices = 3;
    private static readonly double[] s_ratios = [1, 1.1, 1.15, 1.25, 1.5];

    private static readonly string[] s_methods =
    [
        "EdgeFleet",
        "Kayenta, other devices as baseline, once at the end",
        "Kayenta, other devices, every 5 ticks",
        "Kayenta, other devices, allowedIncrease 1.1, every 5",
        "Kayenta, same devices, allowedIncrease 1.1, every 5",
        "Flagger: 3 devices against a fixed limit, threshold 5",
        "Argo: against other devices, failureLimit 3",
        "t of device means at each tick",
        "t of pooled inferences at each tick",
    ];

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        FleetNoise noise = new() { EnvironmentPhi = 0.95, EnvironmentSd = 0.05 };
        List<BenchFigure> figures = [];
        Console.WriteLine($"   {"rolled back, share (median tick)",-56}{string.Concat(s_ratios.Select(r => r.ToString("x0.00", CultureInfo.InvariantCulture).PadLeft(14)))}");
        // One after the other, so that a row is a method and every method meets the same runs.
        int[][][] looks = [.. s_ratios.Select(ratio => Simulation.Runs(FormattableString.Invariant($"detection {ratio}"), Runs, dice => Run(noise, ratio, dice), cancellationToken))];
        for (int method = 0; method < s_methods.Length; method++)
        {
            string row = "";
            for (int i = 0; i < s_ratios.Length; i++)
            {
                (double share, int? tick) = Simulation.Acted([.. looks[i].Select(run => run[method])]);
                row += string.Create(CultureInfo.InvariantCulture, $"{share:0.000} ({(tick is { } t ? t : "-"),2})").PadLeft(14);
                figures.Add(Figure(method, s_ratios[i], share, tick, [.. looks[i].Select(run => run[method] > 0)]));
            }
            Console.WriteLine($"   {s_methods[method],-56}{row}");
        }
        figures.AddRange(Tails(cancellationToken));
        figures.AddRange(Promotion(cancellationToken));
        return Task.FromResult<IReadOnlyList<BenchFigure>>(figures);
    }

    // Only the gate has made a promise.
    private static BenchFigure Figure(int method, double ratio, double share, int? medianTick, bool[] acted)
    {
        string name = FormattableString.Invariant($"{s_methods[method]} at x{ratio:0.00}");
        string source = FormattableString.Invariant($"{Runs} runs of {Ticks} ticks; median tick {(medianTick is { } tick ? tick : "none")}");
        return method > 0 ? new(name, share, "share", null, true, source)
            : ratio <= 1 + GateBench.Margin ? Simulation.FalseAlarms(name, acted, source)
            : ratio >= 1.25 ? new(name, share, "share", ">= 0.99", share >= 0.99, source)
            : new(name, share, "share", null, true, source);
    }

    /// <summary>The tick at which each method took the candidate back; 0 where it did not.</summary>
    private static int[] Run(FleetNoise noise, double ratio, Dice dice)
    {
        SimulatedFleet canary = new(noise, ratio, dice), others = new(noise, 1, dice);
        LogRatioMap map = GateBench.Map(GateBench.Calibrate(canary, noise.Devices));
        others.Tick(withLatencies: true);
        double limit = (1 + GateBench.Margin) * others.Baseline.Average();
        TickSeries state = TickSeries.Start(LogRatioMap.NullMean);
        FailedChecks flagger = FailedChecks.Flagger(), argo = FailedChecks.Argo();
        NaiveT pooled = new();
        double[] sums = new double[noise.Devices];
        List<double> candidate = [], sameDevices = [], otherDevices = [];
        int[] at = new int[s_methods.Length];
        for (int tick = 1; tick <= Ticks; tick++)
        {
            canary.Tick(withLatencies: true);
            others.Tick(withLatencies: true);
            candidate.Add(canary.Candidate.Average());
            sameDevices.Add(canary.Baseline.Average());
            otherDevices.Add(others.Baseline.Average());
            NaiveT devices = new();
            for (int d = 0; d < sums.Length; d++)
            {
                sums[d] += canary.LogRatios[d];
                devices.Add(sums[d] / tick);
                pooled.Add(canary.LogRatios[d]);
            }
            state = state.With(HarmFalseAlarms.Unit(canary, map), GateRules.Current);
            bool look = tick % RankTestEvery == 0;
            bool[] acts =
            [
                state.LogE >= GateBench.Acts,
                at[1] == 0 && tick == Ticks && KayentaJudge.IsHigh(candidate, otherDevices),
                at[2] == 0 && look && KayentaJudge.IsHigh(candidate, otherDevices),
                at[3] == 0 && look && KayentaJudge.IsHigh(candidate, otherDevices, 1 + GateBench.Margin),
                at[4] == 0 && look && KayentaJudge.IsHigh(candidate, sameDevices, 1 + GateBench.Margin),
                flagger.Check(canary.Candidate.Take(CheckedDevices).Average() <= limit),
                argo.Check(candidate[^1] <= (1 + GateBench.Margin) * otherDevices[^1]),
                devices.IsAbove(map.MarginLogRatio),
                pooled.IsAbove(map.MarginLogRatio),
            ];
            for (int method = 0; method < at.Length; method++)
            {
                at[method] = at[method] == 0 && acts[method] ? tick : at[method];
            }
        }
        return at;
    }

    private static IEnumerable<BenchFigure> Tails(CancellationToken cancellationToken)
    {
        foreach (double quantile in (double[])[0.95, 0.99])
        {
            foreach (double ratio in (double[])[1.2, 1.35, 1.5, 2])
            {
                string name = FormattableString.Invariant($"p{100 * quantile:0} at x{ratio:0.00}: pairs until harm is found, median");
                (double share, int? median) = Simulation.Acted(Simulation.Runs(name, TailRuns, dice => TailSimulation.PairsUntilHarm(quantile, ratio, TailTicks, dice), cancellationToken));
                yield return new(name, median ?? double.NaN, "pairs", null, true, FormattableString.Invariant($"found in {share:P1} of {TailRuns} runs, looked at after each 100 pairs"));
            }
        }
    }

    /// <summary>How many devices a promotion takes, by bets and by the sequential t, which takes Gaussian devices for granted.</summary>
    private static IEnumerable<BenchFigure> Promotion(CancellationToken cancellationToken)
    {
        const int most = 200;
        LogRatioMap map = LogRatioMap.Create(GateBench.Margin, 0.05);
        foreach (double ratio in (double[])[0.8, 0.9, 1, 1.05, 1 + GateBench.Margin])
        {
            string name = FormattableString.Invariant($"devices until promotion at x{ratio:0.00}");
            (int Bets, int T)[] devices = Simulation.Runs(name, Classes, dice => Until(ratio, dice), cancellationToken);
            foreach ((string engine, int[] looks) in ((string, int[])[])[("bets", [.. devices.Select(d => d.Bets)]), ("sequential t", [.. devices.Select(d => d.T)])])
            {
                (double share, int? median) = Simulation.Acted(looks);
                string source = $"{Classes} classes whose devices differ by 5 %, at most {most} devices";
                yield return ratio > 1.09 ? Simulation.FalseAlarms($"{name}, {engine}: promoted", [.. looks.Select(l => l > 0)], source)
                    : new BenchFigure($"{name}, {engine}: median", median ?? double.NaN, "devices", null, true, FormattableString.Invariant($"promoted in {share:P1}; {source}"));
            }
        }

        (int Bets, int T) Until(double ratio, Dice dice)
        {
            BettingState state = BettingEProcess.StartPromotion(LogRatioMap.NullMean);
            List<double> values = [];
            int bets = 0, t = 0;
            for (int device = 1; device <= most && (bets == 0 || t == 0); device++)
            {
                double value = Math.Log(ratio) + (0.05 * dice.Normal());
                values.Add(value);
                state = BettingEProcess.Observe(state, map.ToUnit(value));
                bets = bets == 0 && state.Rejects(GateBench.Alpha) ? device : bets;
                t = t == 0 && SequentialT.Side(values, map.MarginLogRatio, GateBench.Alpha) < 0 ? device : t;
            }
            return (bets, t);
        }
    }
}
