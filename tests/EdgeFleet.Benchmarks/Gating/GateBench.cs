using EdgeFleet.Core;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>The product's gate around simulated devices: margins, calibration and verdicts are its own.</summary>
internal static class GateBench
{
    public const double Alpha = 0.05;
    public const double Margin = 0.10;
    private const int CalibratedBy = 5;
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly RolloutSpec s_rollout = new() { Name = "simulated", Model = "m", Candidate = Digest.Parse(new string('0', 64)), Stages = [] };
    private static readonly GateMargins s_defaults = GateMargins.Freeze(s_rollout, new PolicySpec());

    /// <summary>log of the E at which the gate acts.</summary>
    public static readonly double Acts = PortableMath.Log(1 / Alpha);

    /// <summary>Latency alone decides: what is simulated here has no answers to agree on.</summary>
    public static GateMargins LatencyMargins { get; } = GateMargins.Freeze(
        s_rollout with { Compare = CompareMode.Improvement },
        new PolicySpec
        {
            Margins = new MarginsSpec { LatencyP50Percent = 100 * Margin },
            Weights = new WeightsSpec { LatencyP95 = 0, LatencyP99 = 0, Accuracy = 0 },
            Evidence = new EvidenceSpec { CalibrationTicks = CalibratedBy, CalibrationNoisePairs = CalibratedBy, PairsPerDevice = SimulatedFleet.PairsPerTick },
        });

    // The same with agreement as a guardrail.
    private static readonly GateMargins s_agreement = LatencyMargins with { Compare = CompareMode.Equivalence };

    /// <summary>The noise of a fleet, measured as the gate measures it: the baseline against itself before anything is judged.</summary>
    public static GateCalibration Calibrate(SimulatedFleet fleet, int devices) =>
        GateCalibration.TryFreeze(AgainstItself(fleet, devices), Enumerable.Range(0, devices).Select(Name), LatencyMargins, out string waitingFor)
        ?? throw new InvalidOperationException(waitingFor);

    private static CalibrationTicks AgainstItself(SimulatedFleet fleet, int devices)
    {
        CalibrationTicks ticks = new();
        for (int d = 0; d < devices; d++)
        {
            for (int t = 0; t < CalibratedBy; t++)
            {
                ticks.Take(Name(d), new GateTick
                {
                    Tick = t,
                    Pairs = SimulatedFleet.PairsPerTick,
                    NoisePairs = SimulatedFleet.PairsPerTick,
                    NoiseMeanLogLatencyRatio = fleet.AgainstItself(d),
                });
            }
        }
        return ticks;
    }

    private static string Name(int number) => $"d{number}";

    /// <summary>The map from log ratios to bets that follows from a calibration.</summary>
    public static LogRatioMap Map(GateCalibration calibration) => new(PortableMath.Log(1 + Margin), calibration.LatencyWidthLogRatio);

    /// <summary>A device with ticks after its calibration.</summary>
    public static SimulatedDevice Device(int number, IReadOnlyList<double> logRatios, DeviceStanding standing = DeviceStanding.Reached) =>
        new(number, [.. logRatios.Select((ratio, t) => new GateTick { Tick = CalibratedBy + t, Pairs = SimulatedFleet.PairsPerTick, MedianLogLatencyRatio = ratio })], standing);

    /// <summary>Whether the gate has enough evidence of a class's agreement, over devices in their order.</summary>
    public static bool PromotesAgreement(IReadOnlyList<SimulatedDevice> inOrder, int classSize) =>
        Judge(s_agreement, inOrder, classSize, s_quiet).Metrics.Single(metric => metric.Metric == GateMetric.Disagreement).PromotionLogE >= Acts;

    /// <summary>A device that agrees on everything, or that hangs and says nothing.</summary>
    public static SimulatedDevice AgreeingDevice(int number, bool hangs) =>
        hangs ? Device(number, [], DeviceStanding.Missing) : Device(number, [0]);

    private static readonly GateCalibration s_quiet = new()
    {
        NoisePairs = 1000,
        NoiseDisagreements = 0,
        NoiseRate = 0,
        NoiseRateUpper = 0,
        LatencyWidthLogRatio = LogRatioMap.MinimumWidth,
        LastTick = new Dictionary<string, long>(),
    };

    /// <summary>
    /// What the gate decides of a census of one device by its answers: promote, roll back, or 200 ticks of hold. The default policy,
    /// looked at every five ticks.
    /// </summary>
    public static GateDecision DecidesAlone(Func<int> disagreementsOfATick, int pairsPerTick)
    {
        ClassFold fold = new(s_defaults, s_quiet, GateRules.Current, 1);
        for (int tick = 1; tick <= 200; tick++)
        {
            GateTick reported = new() { Tick = tick, Pairs = pairsPerTick, Disagreements = disagreementsOfATick(), MedianLogLatencyRatio = -0.3 };
            fold.Take(Name(0), reported, At(s_defaults, reported));
            if (tick % 5 == 0 && Judge(s_defaults, fold, [(0, DeviceStanding.Reached)], 1, s_quiet).Decision is var decision and not GateDecision.Hold)
            {
                return decision;
            }
        }
        return GateDecision.Hold;
    }

    /// <summary>
    /// Whether the gate ever takes back a cohort of five whose metrics both lie exactly at the margin and rise and fall together: the
    /// average of their e-values has to hold whatever they have to do with each other.
    /// </summary>
    public static bool RollsBackTogether(int looks, Dice dice)
    {
        const int devices = 5, pairs = 50;
        double margin = PortableMath.Log(1 + (s_defaults.LatencyP50Percent / 100));
        int disagreements = (int)Math.Round(2 * pairs * s_defaults.DisagreementPoints / 100);
        ClassFold fold = new(s_defaults, s_quiet, GateRules.Current, 100);
        for (int tick = 1; tick <= looks; tick++)
        {
            double common = dice.Normal();
            for (int d = 0; d < devices; d++)
            {
                double off = 0.03 * (common + (0.1 * dice.Normal()));
                GateTick reported = new() { Tick = tick, Pairs = pairs, Disagreements = common > 0 ? disagreements : 0, MedianLogLatencyRatio = margin + off };
                fold.Take(Name(d), reported, At(s_defaults, reported));
            }
            if (Judge(s_defaults, fold, Enumerable.Range(0, devices).Select(d => (d, DeviceStanding.Reached)), 100, s_quiet).Decision == GateDecision.Rollback)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The gate's verdict over a class in its shadow stage.</summary>
    public static GateVerdict Judge(IReadOnlyList<SimulatedDevice> inOrder, int classSize, GateCalibration calibration) =>
        Judge(LatencyMargins, inOrder, classSize, calibration);

    private static GateVerdict Judge(GateMargins margins, IReadOnlyList<SimulatedDevice> inOrder, int classSize, GateCalibration calibration)
    {
        ClassFold fold = new(margins, calibration, GateRules.Current, classSize);
        foreach ((SimulatedDevice device, GateTick tick) in inOrder.SelectMany(device => device.Ticks.Select(tick => (device, tick))).OrderBy(pair => pair.tick.Tick))
        {
            fold.Take(Name(device.Number), tick, At(margins, tick));
        }
        return Judge(margins, fold, [.. inOrder.Select(device => (device.Number, device.Standing))], classSize, calibration);
    }

    private static DateTimeOffset At(GateMargins margins, GateTick tick) => s_start.AddMilliseconds((double)tick.Tick * margins.TickMilliseconds);

    private static GateVerdict Judge(GateMargins margins, ClassFold fold, IEnumerable<(int Number, DeviceStanding Standing)> inOrder, int classSize, GateCalibration calibration) =>
        Gate.Evaluate(new GateInput
        {
            RolloutId = "simulated",
            Attempt = 1,
            HardwareClass = "simulated",
            Stage = StageKind.Shadow,
            StageIndex = 1,
            Margins = margins,
            MarginsHash = margins.Hash(),
            ClassSize = classSize,
            Calibration = calibration,
            Ticks = fold.Ticks,
            Devices =
            [
                .. inOrder.Select(device => new GateDevice
                {
                    DeviceId = Name(device.Number),
                    InCohort = true,
                    Standing = device.Standing,
                    Shadowing = device.Standing == DeviceStanding.Reached,
                    Evidence = fold.Of(Name(device.Number)),
                }),
            ],
            StageStartedAt = s_start,
            Soak = TimeSpan.Zero,
            EvaluatedAt = s_start.AddDays(1),
        });
}

/// <summary>A simulated device with the ticks that it reports.</summary>
internal sealed record SimulatedDevice(int Number, IReadOnlyList<GateTick> Ticks, DeviceStanding Standing);
