using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Gating;

[JsonConverter(typeof(JsonStringEnumConverter<GateMetric>))]
public enum GateMetric
{
    [JsonStringEnumMemberName("disagreement")] Disagreement,
    [JsonStringEnumMemberName("latencyP50")] LatencyP50,
    [JsonStringEnumMemberName("latencyP95")] LatencyP95,
    [JsonStringEnumMemberName("latencyP99")] LatencyP99,

    /// <summary>Drop in accuracy on inputs whose label came.</summary>
    [JsonStringEnumMemberName("accuracy")] Accuracy,

    /// <summary>Rise of the Brier score on them.</summary>
    [JsonStringEnumMemberName("brier")] Brier,
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

    /// <summary>Correlation of neighbouring bets; null with too few to tell.</summary>
    public double? Autocorrelation { get; init; }

    /// <summary>Ticks that are joined for one bet, because neighbouring ones moved together.</summary>
    public int JoinedTicks { get; init; } = 1;

    /// <summary>Natural log of the promotion e-value (infinite when the rest of the class cannot matter any more).</summary>
    public double? PromotionLogE { get; init; }
    public long PromotionObservations { get; init; }

    /// <summary>What one promotion observation is: <c>device</c>, or in a census <c>window</c> or <c>tick</c>.</summary>
    public string PromotionUnit { get; init; } = "";

    /// <summary>Observations in all that the present pace needs; null when the evidence does not grow.</summary>
    public double? Forecast { get; init; }
}
