using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>The steps of a rollout, in the order in which they may follow each other.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StageKind>))]
public enum StageKind
{
    [JsonStringEnumMemberName("bench")] Bench,
    [JsonStringEnumMemberName("shadow")] Shadow,
    [JsonStringEnumMemberName("canary")] Canary,
    [JsonStringEnumMemberName("ramp")] Ramp,
    [JsonStringEnumMemberName("full")] Full,
}
