namespace EdgeFleet.Rollouts.Gating;

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
