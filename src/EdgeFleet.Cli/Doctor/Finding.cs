using System.Text.Json.Serialization;

namespace EdgeFleet.Cli.Doctor;

[JsonConverter(typeof(JsonStringEnumConverter<FindingState>))]
internal enum FindingState
{
    [JsonStringEnumMemberName("found")] Found,
    /// <summary>It is there and says less than it could.</summary>
    [JsonStringEnumMemberName("limited")] Limited,
    [JsonStringEnumMemberName("absent")] Absent,
}

/// <summary>One thing that the doctor looked for.</summary>
/// <param name="Area">For example <c>energy</c>.</param>
/// <param name="Name">What it is.</param>
/// <param name="Detail">What it can do; or why it is not there.</param>
/// <param name="Advice">What a person can do about it; null where nothing is needed or nothing helps.</param>
internal sealed record Finding(string Area, string Name, FindingState State, string Detail, string? Advice = null);
