using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>
/// Whether a cohort whose latency rose by exactly the margin is taken back more often than promised when the gate looks after
/// every tick: over fleets that differ in size, noise, drift and surroundings.
/// </summary>
internal static class HarmFalseAlarms
{
    private const int Ticks = 2000;
    private const int TailRuns = 2000;
    private const int TailTicks = 200;
    private const int TogetherRuns = 500;
    private const int TogetherTicks = 100;
    private const int ReplayedRuns = 25;
    private const int ReplayedTicks = 100;

    private static readonly (string Name, int Runs, FleetNoise Noise)[] s_grid =
    [
        ("20 devices", 800, new FleetNoise()),
        ("equal devices", 800, new FleetNoise { DeviceSd = 0, EffectSd = 0 }),
        ("devices differ by 30 %, the candidate's effect by 10 %", 800, new FleetNoise { DeviceSd = 0.3, EffectSd = 0.1 }),
        ("surroundings that last for 20 inferences, 10 %", 800, new FleetNoise { EnvironmentPhi = 0.95, EnvironmentSd = 0.1 }),
        ("surroundings that last for 2 inferences, 10 %", 800, new FleetNoise { EnvironmentPhi = 0.5, EnvironmentSd = 0.1 }),
        ("heavy tails (t with 3 degrees of freedom)", 800, new FleetNoise { HeavyTails = true }),
        ("throttling to 1.6 times", 800, new FleetNoise { Throttling = true }),
        ("second inference of a pair 2 % slower", 800, new FleetNoise { SecondSlot = 0.02 }),
        ("5 devices", 4000, new FleetNoise { Devices = 5 }),
        ("3 devices", 4000, new FleetNoise { Devices = 3 }),
        ("1 device", 4000, new FleetNoise { Devices = 1 }),
        ("5 devices, throttling, heavy tails, slower second", 4000, new FleetNoise { Devices = 5, Throttling = true, HeavyTails = true, SecondSlot = 0.02 }),
        ("100 devices", 200, new FleetNoise { Devices = 100 }),
    ];

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        List<BenchFigure> figures = [];
        foreach ((string name, int runs, FleetNoise noise) in s_grid)
        {
            bool[] alarms = Simulation.Runs(name, runs, dice => AtTheMargin(noise, Ticks, dice), cancellationToken);
            figures.Add(Simulation.FalseAlarms(name, alarms, $"{Ticks} ticks, margin {GateBench.Margin:P0}, looked at after each"));
        }
        foreach (double quantile in (double[])[0.95, 0.99])
        {
            string name = FormattableString.Invariant($"p{100 * quantile:0} by exceedance pairs");
            bool[] alarms = Simulation.Runs(name, TailRuns, dice => TailSimulation.PairsUntilHarm(quantile, 1 + GateBench.Margin, TailTicks, dice) > 0, cancellationToken);
            figures.Add(Simulation.FalseAlarms(name, alarms, $"{TailTicks} ticks of 100 pairs, margin {GateBench.Margin:P0}, looked at after each tick"));
        }
        const string together = "latency and agreement at the margin and moving as one";
        bool[] both = Simulation.Runs(together, TogetherRuns, dice => GateBench.RollsBackTogether(TogetherTicks, dice), cancellationToken);
        figures.Add(Simulation.FalseAlarms(together, both, $"the gate itself, default policy, 5 devices, {TogetherTicks} ticks, looked at after each"));
        int same = Enumerable.Range(0, ReplayedRuns).Count(SaysTheSame);
        figures.Add(new("runs in which the gate itself has the same E to a millionth", same, "runs", $"= {ReplayedRuns}", same == ReplayedRuns, $"{ReplayedTicks} ticks of 20 devices judged by the gate"));
        return Task.FromResult<IReadOnlyList<BenchFigure>>(figures);
    }

    /// <summary>Whether E ever reaches 1/alpha.</summary>
    public static bool AtTheMargin(FleetNoise noise, int ticks, Dice dice)
    {
        SimulatedFleet fleet = new(noise, 1 + GateBench.Margin, dice);
        LogRatioMap map = GateBench.Map(GateBench.Calibrate(fleet, noise.Devices));
        return TickSeries.Start(LogRatioMap.NullMean).With(Units(fleet, map, ticks), GateRules.Current).MaxLogE >= GateBench.Acts;
    }

    /// <summary>What each tick says: the mean over the devices.</summary>
    public static double[] Units(SimulatedFleet fleet, LogRatioMap map, int ticks)
    {
        double[] units = new double[ticks];
        for (int tick = 0; tick < ticks; tick++)
        {
            fleet.Tick();
            units[tick] = Unit(fleet, map);
        }
        return units;
    }

    public static double Unit(SimulatedFleet fleet, LogRatioMap map)
    {
        double sum = 0;
        foreach (double ratio in fleet.LogRatios)
        {
            sum += map.ToUnit(ratio);
        }
        return Math.Min(sum / fleet.LogRatios.Length, 1);
    }

    // The simulations above bet by themselves, because the gate computes a verdict from all ticks anew; here is the proof that
    // it would have bet the same.
    private static bool SaysTheSame(int run)
    {
        FleetNoise noise = new();
        SimulatedFleet fleet = new(noise, 1.12, new Dice("the gate itself", run));
        GateCalibration calibration = GateBench.Calibrate(fleet, noise.Devices);
        LogRatioMap map = GateBench.Map(calibration);
        List<double>[] ratios = [.. Enumerable.Range(0, noise.Devices).Select(_ => new List<double>())];
        TickSeries state = TickSeries.Start(LogRatioMap.NullMean);
        for (int tick = 0; tick < ReplayedTicks; tick++)
        {
            fleet.Tick();
            state = state.With(Unit(fleet, map), GateRules.Current);
            for (int device = 0; device < ratios.Length; device++)
            {
                ratios[device].Add(fleet.LogRatios[device]);
            }
        }
        GateVerdict verdict = GateBench.Judge([.. ratios.Select((r, d) => GateBench.Device(d, r))], 100, calibration);
        // The gate adds up in whole numbers of 2^-32, this simulation in floating point.
        return Math.Abs(verdict.HarmLogE - state.LogE) < 1e-6
            && verdict.Decision == GateDecision.Rollback == state.LogE >= GateBench.Acts;
    }
}
