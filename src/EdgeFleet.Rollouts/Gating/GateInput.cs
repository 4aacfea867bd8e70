using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One tick of one device, the part that the gate reads.</summary>
public sealed record GateTick
{
    public required long Tick { get; init; }
    public int Pairs { get; init; }
    public int Disagreements { get; init; }
    public int NoisePairs { get; init; }
    public int NoiseDisagreements { get; init; }
    public double? MedianLogLatencyRatio { get; init; }
    public double? NoiseMeanLogLatencyRatio { get; init; }

    public static GateTick From(ShadowTick tick) => new()
    {
        Tick = tick.Tick,
        Pairs = tick.Pairs,
        Disagreements = tick.Disagreements,
        NoisePairs = tick.NoisePairs,
        NoiseDisagreements = tick.NoiseDisagreements,
        MedianLogLatencyRatio = tick.Pairs > 0 ? Finite(tick.MedianLogLatencyRatio) : null,
        NoiseMeanLogLatencyRatio = tick.NoisePairs > 0 ? Finite(tick.NoiseMeanLogLatencyRatio) : null,
    };

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? v : null;
}

/// <summary>One device of a class as the gate sees it.</summary>
public sealed record GateDevice
{
    public required string DeviceId { get; init; }

    /// <summary>Whether the device belongs to the present stage, or only goes on with an earlier one.</summary>
    public required bool InCohort { get; init; }

    public required DeviceStanding Standing { get; init; }

    /// <summary>Why it stands there, for people.</summary>
    public string StandingReason { get; init; } = "";

    /// <summary>Whether ticks still come; a device that moved on to serving has none.</summary>
    public bool Shadowing { get; init; }

    /// <summary>Each tick once, ascending.</summary>
    public IReadOnlyList<GateTick> Ticks { get; init; } = [];

    public IReadOnlyList<InvariantFinding> Invariants { get; init; } = [];

    /// <summary>Candidate over baseline at the device's own benchmark; shown, judged by the device itself.</summary>
    public double? BenchLatencyRatio { get; init; }
}

/// <summary>
/// Everything that one verdict rests on. Stored with the verdict, so that it can be computed again to the same bits.
/// </summary>
public sealed record GateInput
{
    public int SchemaVersion { get; init; } = 1;
    public required string RolloutId { get; init; }
    public required int Attempt { get; init; }
    public required string HardwareClass { get; init; }
    public required StageKind Stage { get; init; }
    public required int StageIndex { get; init; }
    public required GateMargins Margins { get; init; }
    public required Digest MarginsHash { get; init; }

    /// <summary>Devices of the class that were drawn.</summary>
    public required int ClassSize { get; init; }

    /// <summary>Noise of the class, frozen before anything was judged; null while it is still being measured.</summary>
    public GateCalibration? Calibration { get; init; }

    /// <summary>Admitted devices in the frozen enrolment order.</summary>
    public required IReadOnlyList<GateDevice> Devices { get; init; }

    public required DateTimeOffset StageStartedAt { get; init; }
    public required TimeSpan Soak { get; init; }
    public required DateTimeOffset EvaluatedAt { get; init; }
}
