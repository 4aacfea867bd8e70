using System.Text.Json.Serialization;

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
