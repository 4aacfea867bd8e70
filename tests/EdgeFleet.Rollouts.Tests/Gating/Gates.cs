using EdgeFleet.Rollouts.Gating;
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

    public static GateDevice Device(int number, int ticks = 0, int pairs = 100, int disagreements = 0, double? logRatio = -0.2) => new()
    {
        DeviceId = $"d{number}",
        InCohort = true,
        Standing = DeviceStanding.Reached,
        Shadowing = true,
        Ticks = [.. Enumerable.Range(0, ticks).Select(t => new GateTick { Tick = t, Pairs = pairs, Disagreements = disagreements, MedianLogLatencyRatio = logRatio })],
    };

    public static GateInput Input(IEnumerable<GateDevice> devices, int? classSize = null, GateMargins? margins = null, GateCalibration? calibration = null)
    {
        List<GateDevice> list = [.. devices];
        return new GateInput
        {
            RolloutId = "r1",
            Attempt = 1,
            HardwareClass = "orin",
            Stage = StageKind.Shadow,
            StageIndex = 1,
            Margins = margins ?? Margins,
            MarginsHash = (margins ?? Margins).Hash(),
            ClassSize = classSize ?? list.Count,
            Calibration = calibration ?? Quiet,
            Devices = list,
            StageStartedAt = Start,
            Soak = TimeSpan.Zero,
            EvaluatedAt = Start.AddHours(1),
        };
    }

    public static IEnumerable<GateDevice> Devices(int count, Func<int, GateDevice> make) => Enumerable.Range(0, count).Select(make);
}
