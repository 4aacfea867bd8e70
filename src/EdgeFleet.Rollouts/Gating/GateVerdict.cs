using System.Text.Json.Serialization;
using EdgeFleet.Core;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

[JsonConverter(typeof(JsonStringEnumConverter<GateDecision>))]
public enum GateDecision
{
    [JsonStringEnumMemberName("promote")] Promote,
    [JsonStringEnumMemberName("hold")] Hold,
    [JsonStringEnumMemberName("rollback")] Rollback,
}

/// <summary>What a verdict rests on, and so what it claims.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VerdictKind>))]
public enum VerdictKind
{
    /// <summary>A sequential test over devices: claims something about the rest of the class.</summary>
    [JsonStringEnumMemberName("statistical")] Statistical,

    /// <summary>Every device was judged on its own: claims nothing beyond those devices.</summary>
    [JsonStringEnumMemberName("census")] Census,

    /// <summary>Only events that need no statistics were looked at.</summary>
    [JsonStringEnumMemberName("invariant")] Invariant,
}

[JsonConverter(typeof(JsonStringEnumConverter<GateMetric>))]
public enum GateMetric
{
    [JsonStringEnumMemberName("disagreement")] Disagreement,
    [JsonStringEnumMemberName("latencyP50")] LatencyP50,
}

[JsonConverter(typeof(JsonStringEnumConverter<MetricState>))]
public enum MetricState
{
    /// <summary>Nothing was measured: a named state, never a pass.</summary>
    [JsonStringEnumMemberName("absent")] Absent,
    [JsonStringEnumMemberName("lacksEvidence")] LacksEvidence,
    [JsonStringEnumMemberName("promotes")] Promotes,
    [JsonStringEnumMemberName("harmed")] Harmed,

    /// <summary>Shown, never gates.</summary>
    [JsonStringEnumMemberName("informational")] Informational,
}

/// <summary>One metric's numbers.</summary>
public sealed record MetricVerdict
{
    public required GateMetric Metric { get; init; }
    public required MetricState State { get; init; }

    /// <summary>The frozen margin.</summary>
    public required double Margin { get; init; }

    /// <summary><c>points</c> or <c>percent</c>.</summary>
    public required string MarginUnit { get; init; }

    /// <summary>Mean over what was judged, in the margin's unit; null without data.</summary>
    public double? Estimate { get; init; }

    /// <summary>Natural log of the harm e-value, and the ticks that it rests on.</summary>
    public required double HarmLogE { get; init; }
    public required long HarmObservations { get; init; }

    /// <summary>Correlation of neighbouring ticks; null with too few to tell.</summary>
    public double? Autocorrelation { get; init; }

    /// <summary>Natural log of the promotion e-value (infinite when the rest of the class cannot matter any more).</summary>
    public double? PromotionLogE { get; init; }
    public long PromotionObservations { get; init; }

    /// <summary>What one promotion observation is: <c>device</c>, or in a census <c>window</c> or <c>tick</c>.</summary>
    public string PromotionUnit { get; init; } = "";

    /// <summary>Observations in all that the present pace needs; null when the evidence does not grow.</summary>
    public double? Forecast { get; init; }
}

/// <summary>One device's part in a verdict.</summary>
public sealed record DeviceVerdict
{
    public required string DeviceId { get; init; }
    public required DeviceStanding Standing { get; init; }

    /// <summary>What its own evidence says, in a census; null in a statistical class and for a device that is out.</summary>
    public GateDecision? Decision { get; init; }

    /// <summary>Judged pairs (without the calibration ticks).</summary>
    public required long Pairs { get; init; }
    public double? DisagreementPercent { get; init; }
    public double? LatencyRatio { get; init; }
    public double? BenchLatencyRatio { get; init; }
    public double? HarmLogE { get; init; }
    public IReadOnlyList<MetricVerdict> Metrics { get; init; } = [];
    public IReadOnlyList<InvariantFinding> Invariants { get; init; } = [];
    public string Reason { get; init; } = "";
}

/// <summary>What a promotion still lacks.</summary>
/// <param name="Code">A word for machines; see <see cref="MissingCodes"/>.</param>
/// <param name="Subject">A device, a metric, or the class.</param>
/// <param name="Detail">A sentence with numbers.</param>
public sealed record MissingEvidence(string Code, string Subject, string Detail);

/// <summary>The words of <see cref="MissingEvidence.Code"/>.</summary>
public static class MissingCodes
{
    public const string Calibration = "calibration";
    public const string Device = "deviceWorking";
    public const string DeviceMissing = "deviceMissing";
    public const string DeviceFailed = "deviceFailed";
    public const string Pairs = "pairs";
    public const string Metric = "metric";
    public const string MetricAbsent = "metricAbsent";
    public const string Devices = "devices";
    public const string Soak = "soak";
    public const string Amber = "amber";
    public const string NoDevice = "noDevice";
}

/// <summary>The gate's answer for one hardware class at one stage, with its evidence.</summary>
public sealed record GateVerdict
{
    public int SchemaVersion { get; init; } = 1;
    public required GateDecision Decision { get; init; }
    public required VerdictKind Kind { get; init; }
    public required string HardwareClass { get; init; }
    public required StageKind Stage { get; init; }
    public required int StageIndex { get; init; }
    public required int ClassSize { get; init; }
    public required int CohortSize { get; init; }
    public required Digest MarginsHash { get; init; }
    public required IReadOnlyList<MetricVerdict> Metrics { get; init; }
    public required IReadOnlyList<DeviceVerdict> Devices { get; init; }

    /// <summary>log of the weighted average of the harm e-values, against <see cref="HarmLogThreshold"/>.</summary>
    public required double HarmLogE { get; init; }
    public required double HarmLogThreshold { get; init; }
    public required double PromotionLogThreshold { get; init; }

    /// <summary>Enough signs of harm to hold, not enough to take back.</summary>
    public required bool Amber { get; init; }

    public required IReadOnlyList<MissingEvidence> Missing { get; init; }

    /// <summary>What makes the numbers less sure than they look; decides nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The decision in one sentence, with its numbers.</summary>
    public required string Reason { get; init; }
    public required DateTimeOffset EvaluatedAt { get; init; }
}

/// <summary>A verdict with everything that it was computed from.</summary>
public sealed record StoredVerdict(GateInput Input, GateVerdict Verdict);
