using EdgeFleet.Core;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// Everything that one verdict rests on. Stored with the verdict, so that it can be computed again to the same bits.
/// </summary>
public sealed record GateInput
{
    /// <summary>2: reports added up; 1 carried every tick, and was judged by the bits of another sum.</summary>
    public const int CurrentSchemaVersion = 2;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string RolloutId { get; init; }
    public required int Attempt { get; init; }
    public required string HardwareClass { get; init; }
    public required StageKind Stage { get; init; }
    public required int StageIndex { get; init; }
    public required GateMargins Margins { get; init; }
    public required Digest MarginsHash { get; init; }

    /// <summary>The gate's fixed numbers as they were.</summary>
    public GateRules Rules { get; init; } = GateRules.Current;

    /// <summary>Devices of the class that were drawn.</summary>
    public required int ClassSize { get; init; }

    /// <summary>Noise of the class, frozen before anything was judged; null while it is still being measured.</summary>
    public GateCalibration? Calibration { get; init; }

    /// <summary>What a calibration still waits for; empty once there is one.</summary>
    public string CalibrationWaitsFor { get; init; } = "";

    /// <summary>What the class's judged ticks come to, without those of devices that stand aside; null before the noise is known.</summary>
    public ClassTicks? Ticks { get; init; }

    /// <summary>The last report that went into it, by its place in the store; with <see cref="Aside"/>, what adding up the reports again needs.</summary>
    public long ReportsThrough { get; init; }

    /// <summary>Devices whose ticks are not in <see cref="Ticks"/>: taken back alone, out, or other hardware now.</summary>
    public IReadOnlyList<string> Aside { get; init; } = [];

    /// <summary>Admitted devices in the frozen enrolment order.</summary>
    public required IReadOnlyList<GateDevice> Devices { get; init; }

    public required DateTimeOffset StageStartedAt { get; init; }
    /// <summary>The share of its devices' requests that the stage gives to the candidate; null where it gives none.</summary>
    public double? RequestPercent { get; init; }

    public required TimeSpan Soak { get; init; }
    public required DateTimeOffset EvaluatedAt { get; init; }
}
