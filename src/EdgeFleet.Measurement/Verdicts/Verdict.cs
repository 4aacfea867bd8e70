using System.Text.Json.Serialization;

namespace EdgeFleet.Measurement.Verdicts;

/// <summary>What a measurement says against its margins.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
public enum Verdict
{
    /// <summary>Not known to be within the margin, and not known to be beyond it.</summary>
    [JsonStringEnumMemberName("inconclusive")] Inconclusive,
    [JsonStringEnumMemberName("pass")] Pass,
    [JsonStringEnumMemberName("fail")] Fail,
}
