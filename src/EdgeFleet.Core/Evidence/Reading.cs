using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Evidence;

/// <summary>How a figure came to be.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReadingState>))]
public enum ReadingState
{
    [JsonStringEnumMemberName("absent")] Absent,
    [JsonStringEnumMemberName("modelled")] Modelled,
    [JsonStringEnumMemberName("measured")] Measured,
}

/// <summary>
/// A figure with its unit, source and quality. A sensor that is missing is <see cref="ReadingState.Absent"/> with a reason,
/// never zero.
/// </summary>
public sealed record Reading
{
    public required ReadingState State { get; init; }
    public double? Value { get; init; }
    public string Unit { get; init; } = "";
    public string Source { get; init; } = "";
    /// <summary>Why it is absent.</summary>
    public string? Reason { get; init; }

    public static Reading Measured(double value, string unit, string source) =>
        new() { State = ReadingState.Measured, Value = value, Unit = unit, Source = source };

    public static Reading Absent(string reason) => new() { State = ReadingState.Absent, Reason = reason };
}
