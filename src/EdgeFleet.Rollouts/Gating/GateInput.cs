using EdgeFleet.Core;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

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

    /// <summary>The gate's fixed numbers as they were.</summary>
    public GateRules Rules { get; init; } = GateRules.Current;

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
