using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>
/// Whether a class that is exactly at the margin is promoted more often than promised when the gate looks after every device:
/// over classes large and small, and over all the ways in which devices can differ around the margin.
/// </summary>
internal static class PromotionFalseAlarms
{
    private const int Runs = 10_000;
    private const int Endless = 200;
    private const int PairsOfADevice = 500;
    private const double DevicesDiffer = 0.1;

    /// <summary>What 500 pairs leave of the noise of a device.</summary>
    private const double Measured = 0.005;
    private const double Cap = 0.10;
    private const double DisagreementNull = 0.2;
    private static readonly LogRatioMap s_map = LogRatioMap.Create(GateBench.Margin, 0.05);

    private static readonly (string Name, double Null, int? Class, Func<Dice, double[]> Devices)[] s_grid =
    [
        ("latency of an endless class, devices differ by 3 %", LogRatioMap.NullMean, null, dice => Drawn(dice, 0.03, d => d.Normal())),
        ("latency of an endless class, devices differ by 10 %", LogRatioMap.NullMean, null, dice => Drawn(dice, 0.1, d => d.Normal())),
        ("latency of an endless class, devices differ by 20 %", LogRatioMap.NullMean, null, dice => Drawn(dice, 0.2, d => d.Normal())),
        ("latency of an endless class, heavy tails, 10 %", LogRatioMap.NullMean, null, dice => Drawn(dice, 0.1, d => d.HeavyTailed())),
        ("latency of an endless class, half 20 % faster and half slower", LogRatioMap.NullMean, null, dice => Drawn(dice, 0.2, d => d.Flip() ? 1 : -1)),
        ("latency of a class of 12, 10 %", LogRatioMap.NullMean, 12, dice => Class(dice, 12)),
        ("latency of a class of 30, 10 %", LogRatioMap.NullMean, 30, dice => Class(dice, 30)),
        ("latency of a class of 100, 10 %", LogRatioMap.NullMean, 100, dice => Class(dice, 100)),
        ("the same class of 12, 0.5 % beyond, measured to 0.5 %", LogRatioMap.NullMean, 12, dice => Class(dice, 12, Measured, Measured)),
        ("the same class of 30, 0.5 % beyond, measured to 0.5 %", LogRatioMap.NullMean, 30, dice => Class(dice, 30, Measured, Measured)),
        ("the same class of 100, 0.5 % beyond, measured to 0.5 %", LogRatioMap.NullMean, 100, dice => Class(dice, 100, Measured, Measured)),
        ("agreement of an endless class, a fifth of the devices lost", DisagreementNull, null, dice => Lost(dice)),
        ("agreement of a class of 10, 2 devices lost", DisagreementNull, 10, dice => Lost(dice, 10)),
        ("agreement of a class of 30, 6 devices lost", DisagreementNull, 30, dice => Lost(dice, 30)),
        ("agreement of a class of 100, 20 devices lost", DisagreementNull, 100, dice => Lost(dice, 100)),
        ("agreement of an endless class, half at twice the margin", DisagreementNull, null, dice => Rates(dice)),
    ];

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        List<BenchFigure> figures =
        [
            .. s_grid.Select(row => Simulation.FalseAlarms(
                row.Name,
                Simulation.Runs(row.Name, Runs, dice => Promotes(row.Null, row.Class, row.Devices(dice)), cancellationToken),
                $"looked at after each of {row.Class ?? Endless} devices")),
        ];
        // Of a class that was seen to its last device nothing is left to chance but the measurement, so at the very margin that
        // decides; the rows half a percent beyond it are the promise that can be kept.
        const string noisy = "the same class of 30 at the margin, measured to 0.5 %";
        bool[] promoted = Simulation.Runs(noisy, Runs, dice => Promotes(LogRatioMap.NullMean, 30, Class(dice, 30, 0, Measured)), cancellationToken);
        figures.Add(new(noisy, promoted.Count(p => p) / (double)Runs, "share", null, true, "a class of which all devices have spoken is as its figures say"));
        return Task.FromResult<IReadOnlyList<BenchFigure>>(figures);
    }

    public static bool Promotes(double nullMean, int? classSize, IEnumerable<double> devices)
    {
        BettingState state = BettingEProcess.Observe(BettingEProcess.StartPromotion(nullMean, classSize), devices);
        return state.NullImpossible || state.MaxLogE >= GateBench.Acts;
    }

    // Devices drawn one by one around the margin.
    private static double[] Drawn(Dice dice, double sd, Func<Dice, double> shape)
    {
        double[] units = new double[Endless];
        for (int i = 0; i < units.Length; i++)
        {
            units[i] = s_map.ToUnit(s_map.MarginLogRatio + (sd * shape(dice)) + (Measured * dice.Normal()));
        }
        return units;
    }

    // A class whose mean is the margin, or beyond it: devices in pairs around it, in random order.
    private static double[] Class(Dice dice, int size, double beyond = 0, double measured = 0)
    {
        double[] effects = new double[size];
        for (int i = 0; i < size; i++)
        {
            effects[i] = i % 2 == 1 ? -effects[i - 1] : i == size - 1 ? 0 : DevicesDiffer * dice.Normal();
        }
        dice.Shuffle(effects);
        return [.. effects.Select(effect => s_map.ToUnit(s_map.MarginLogRatio + effect + beyond + (measured * dice.Normal())))];
    }

    // Devices that disagree on everything, or do not come back at all, among perfect ones.
    private static double[] Lost(Dice dice, int? size = null)
    {
        double[] units = new double[size ?? Endless];
        for (int i = 0; i < units.Length; i++)
        {
            units[i] = size is null ? (dice.Chance(DisagreementNull) ? 1 : 0) : (i < size * DisagreementNull ? 1 : 0);
        }
        dice.Shuffle(units);
        return units;
    }

    private static double[] Rates(Dice dice)
    {
        double[] units = new double[Endless];
        for (int i = 0; i < units.Length; i++)
        {
            double rate = dice.Flip() ? 0 : 2 * DisagreementNull * Cap;
            units[i] = Math.Min(1, dice.Binomial(PairsOfADevice, rate) / (PairsOfADevice * Cap));
        }
        return units;
    }
}
