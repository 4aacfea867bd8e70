using System.Text.Json.Serialization;

namespace EdgeFleet.Measurement.Verdicts;

/// <summary>The interval of a ratio of candidate to baseline against 1. Of energy and memory: more for slower, less for faster.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Difference>))]
public enum Difference
{
    [JsonStringEnumMemberName("none")] None,
    [JsonStringEnumMemberName("slower")] Slower,
    [JsonStringEnumMemberName("faster")] Faster,
}
