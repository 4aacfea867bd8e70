using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Tests.Gating;

/// <summary>Gate inputs made by hand.</summary>
internal static class Gates
{
    public static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static GateMargins Margins { get; } = GateMargins.Freeze(
        SpecFile.ParseRollout($"{{apiVersion: edgefleet.io/v1, kind: Rollout, metadata: {{name: r}}, spec: {{model: m, candidate: '{new string('0', 64)}'}}}}"),
        new PolicySpec());

    /// <summary>No noise at all, and the narrowest range.</summary>
    public static GateCalibration Quiet { get; } = new()
    {
        NoisePairs = 1000, NoiseDisagreements = 0, NoiseRate = 0, NoiseRateUpper = 0, LatencyWidthLogRatio = 0.1, LastTick = new Dictionary<string, long>(),
    };

    public static TickingDevice Device(int number, int ticks = 0, int pairs = 100, int disagreements = 0, double? logRatio = -0.2) => new()
    {
        DeviceId = $"d{number}",
        Ticks = [.. Enumerable.Range(0, ticks).Select(t => new GateTick { Tick = t, Pairs = pairs, Disagreements = disagreements, MedianLogLatencyRatio = logRatio })],
    };

    public static GateInput Input(
        IEnumerable<TickingDevice> devices, int? classSize = null, GateMargins? margins = null, GateCalibration? calibration = null, GateRules? rules = null)
    {
        List<TickingDevice> list = [.. devices];
        ClassFold fold = new(margins ?? Margins, calibration ?? Quiet, rules ?? GateRules.Current, classSize ?? list.Count);
        foreach ((TickingDevice device, GateTick tick) in list.Where(d => !d.Standing.IsAside()).SelectMany(d => d.Ticks.Select(tick => (d, tick))).OrderBy(pair => pair.tick.Tick))
        {
            fold.Take(device.DeviceId, tick, Start.AddMinutes(tick.Tick));
        }
        return new GateInput
        {
            RolloutId = "r1",
            Attempt = 1,
            HardwareClass = "orin",
            Stage = StageKind.Shadow,
            StageIndex = 1,
            Margins = margins ?? Margins,
            MarginsHash = (margins ?? Margins).Hash(),
            Rules = rules ?? GateRules.Current,
            ClassSize = classSize ?? list.Count,
            Calibration = calibration ?? Quiet,
            Ticks = fold.Ticks,
            Devices = [.. list.Select(d => d.With(fold.Of(d.DeviceId)))],
            StageStartedAt = Start,
            Soak = TimeSpan.Zero,
            EvaluatedAt = Start.AddHours(1),
        };
    }

    /// <summary>The same before the noise is known.</summary>
    public static GateInput Uncalibrated(IEnumerable<TickingDevice> devices)
    {
        List<TickingDevice> list = [.. devices];
        CalibrationTicks ticks = new();
        list.ForEach(d => d.Ticks.ToList().ForEach(tick => ticks.Take(d.DeviceId, tick)));
        Assert.Null(GateCalibration.TryFreeze(ticks, list.Select(d => d.DeviceId), Margins, out string waitsFor));
        return Input(list.Select(d => d with { Ticks = [] })) with { Calibration = null, Ticks = null, CalibrationWaitsFor = waitsFor };
    }

    public static IEnumerable<TickingDevice> Devices(int count, Func<int, TickingDevice> make) => Enumerable.Range(0, count).Select(make);
}

/// <summary>A device of the gate with its ticks before they are added up.</summary>
internal sealed record TickingDevice
{
    public required string DeviceId { get; init; }
    public DeviceStanding Standing { get; init; } = DeviceStanding.Reached;
    public string StandingReason { get; init; } = "";
    public bool Shadowing { get; init; } = true;
    public IReadOnlyList<GateTick> Ticks { get; init; } = [];
    public IReadOnlyList<InvariantFinding> Invariants { get; init; } = [];

    public GateDevice With(DeviceEvidence? evidence) => new()
    {
        DeviceId = DeviceId, InCohort = true, Standing = Standing, StandingReason = StandingReason, Shadowing = Shadowing, Evidence = evidence, Invariants = Invariants,
    };
}
